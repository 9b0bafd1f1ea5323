/** SQLite through libsql: WAL with synchronous=FULL, so that a commit that returned survives a power cut. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, type SqliteDatabase, SqliteDialect, sql } from 'kysely';
import Libsql from 'libsql';
import { type AppliedMigration, backupName, type Migration, type MigrationTarget, migrate } from './migrate.ts';
import type { OpenDatabase } from './open-database.ts';
import type { Tables } from './schema.ts';

/** More than the server has queries, where lists do not give them many lengths. */
const keptStatements = 300;

export async function openSqlite(home: string): Promise<OpenDatabase> {
  const lock = lockHome(home);
  const path = sqlitePath(home);
  let connection: Libsql.Database | undefined;
  try {
    connection = connect(path);
    const migration = await migrate(sqliteTarget(connection, path));
    const db = new Kysely<Tables>({ dialect: sqliteDialect(connection) });
    return {
      db,
      migration,
      unsynced: (work) =>
        db.connection().execute(async (own) => {
          await sql`PRAGMA synchronous = NORMAL`.execute(own);
          try {
            return await own.transaction().execute(work);
          } finally {
            await sql`PRAGMA synchronous = FULL`.execute(own);
          }
        }),
      async close() {
        await db.destroy();
        lock.close();
      },
    };
  } catch (error) {
    connection?.close();
    lock.close();
    throw error;
  }
}

export function sqlitePath(home: string): string {
  return join(home, 'parley.db');
}

function connect(path: string): Libsql.Database {
  let connection: Libsql.Database | undefined;
  try {
    connection = new Libsql(path);
    // Chats are private to the user who runs the server.
    chmodSync(path, 0o600);
    connection.prepare('PRAGMA busy_timeout = 5000').all();
    connection.prepare('PRAGMA journal_mode = WAL').all();
    connection.exec('PRAGMA synchronous = FULL');
    connection.exec('PRAGMA foreign_keys = ON');
    return connection;
  } catch (cause) {
    connection?.close();
    throw new Error(
      `Cannot open the database ${path}: ${(cause as Error).message}. Restore it from a .backup file beside it, move it away, or set PARLEY_HOME to another folder.`,
      { cause },
    );
  }
}

/** An exclusive transaction on a file of its own is a lock that dies with the process. */
export function lockHome(home: string): Libsql.Database {
  const lock = new Libsql(join(home, 'server.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    throw new Error(
      `Another Parley server is using ${home}. Stop it, or set PARLEY_HOME to another folder for this one.`,
      { cause },
    );
  }
}

/**
 * @param begin how transactions start. Kysely's plain BEGIN takes the write lock only at the first write and can then
 * fail half-way; IMMEDIATE takes it at once and waits its turn.
 */
export function sqliteDialect(
  connection: Libsql.Database,
  begin: 'begin immediate' | 'begin' = 'begin immediate',
): SqliteDialect {
  const statements = new Statements(connection);
  const database: SqliteDatabase = {
    prepare: (query) => {
      // Some errors, a full disk among them, make SQLite roll back by itself; Kysely's own rollback would then fail
      // and hide the reason.
      const alreadyRolledBack = query === 'rollback' && !connection.inTransaction;
      const text = query === 'begin' ? begin : alreadyRolledBack ? 'select 1 where false' : query;
      const statement = statements.of(text);
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(parameters),
        run: (parameters) => statement.run(parameters),
        // It is in use until its last row is read, so it is nobody else's.
        iterate: (parameters) => connection.prepare(text).iterate(parameters) as IterableIterator<unknown>,
      };
    },
    close: () => {
      statements.clear();
      connection.close();
    },
  };
  return new SqliteDialect({ database });
}

/** Statements that were prepared before, the least recently used given up first: preparing takes longer than running. */
class Statements {
  readonly #connection: Libsql.Database;
  readonly #prepared = new Map<string, Libsql.Statement>();

  constructor(connection: Libsql.Database) {
    this.#connection = connection;
  }

  of(text: string): Libsql.Statement {
    // Some of what a PRAGMA does, it does when it is prepared.
    if (/^pragma/i.test(text)) return this.#connection.prepare(text);
    const statement = this.#prepared.get(text) ?? this.#connection.prepare(text);
    this.#prepared.delete(text);
    this.#prepared.set(text, statement);
    if (this.#prepared.size > keptStatements) this.#prepared.delete(this.#prepared.keys().next().value!);
    return statement;
  }

  clear(): void {
    this.#prepared.clear();
  }
}

export function sqliteTarget(connection: Libsql.Database, path: string): MigrationTarget {
  return {
    dialect: 'sqlite',
    name: path,
    async applied() {
      connection.exec(
        'CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
      );
      return connection
        .prepare('SELECT version, name, checksum FROM schema_migrations ORDER BY version')
        .all() as AppliedMigration[];
    },
    async backUp(version) {
      const backup = backupName(path, version);
      connection.prepare('VACUUM INTO ?').run(backup);
      return backup;
    },
    async apply(migration) {
      applyTo(connection, migration);
    },
  };
}

function applyTo(connection: Libsql.Database, { version, name, sql, checksum }: Migration): void {
  // Rebuilding a table drops and renames it; with enforcement on, the drop would cascade. The pragma is a
  // no-op inside a transaction, so it stands outside, and the check takes its place before the commit.
  connection.exec('PRAGMA foreign_keys = OFF');
  try {
    connection.exec('BEGIN IMMEDIATE');
    connection.exec(sql);
    const broken = connection.prepare('PRAGMA foreign_key_check').all() as { table: string }[];
    if (broken.length > 0) throw new Error(`${broken.length} rows of ${broken[0]!.table} refer to rows that are gone`);
    connection
      .prepare('INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)')
      .run(version, name, checksum, Date.now());
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.inTransaction) connection.exec('ROLLBACK');
    throw error;
  } finally {
    connection.exec('PRAGMA foreign_keys = ON');
  }
}
