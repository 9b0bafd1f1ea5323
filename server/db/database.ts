/**
 * The server's database: SQLite through libsql, queried with Kysely.
 *
 * WAL with synchronous=FULL: a commit that returned survives a kill and a power cut. One server owns a
 * home folder at a time; a lock that the operating system drops with the process says so, because a
 * second server would take the first one's running answers for the remains of a crash.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import Libsql from 'libsql';
import { type MigrationResult, migrate } from './migrate.ts';
import type { Tables } from './schema.ts';

export type Db = Kysely<Tables>;

export interface OpenDatabase {
  db: Db;
  path: string;
  migration: MigrationResult;
  close(): Promise<void>;
}

/**
 * Opens (creating and migrating as needed) `home/parley.db`.
 * @throws Error in one line if the folder cannot be written, another server holds it, the file is not a
 * database, or its schema cannot be brought up to date.
 */
export function openDatabase(home: string): OpenDatabase {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Error(`Cannot make the folder ${home}: ${(cause as Error).message}. Set PARLEY_HOME to another.`, {
      cause,
    });
  }
  const lock = lockHome(home);
  const path = join(home, 'parley.db');
  try {
    const { connection, migration } = connect(path);
    const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: asKyselyDatabase(connection) }) });
    return {
      db,
      path,
      migration,
      async close() {
        await db.destroy();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function connect(path: string) {
  let connection: Libsql.Database | undefined;
  try {
    connection = new Libsql(path);
    // Chats are private to the user who runs the server.
    chmodSync(path, 0o600);
    connection.prepare('PRAGMA busy_timeout = 5000').all();
    connection.prepare('PRAGMA journal_mode = WAL').all();
    connection.exec('PRAGMA synchronous = FULL');
    connection.exec('PRAGMA foreign_keys = ON');
  } catch (cause) {
    connection?.close();
    throw new Error(
      `Cannot open the database ${path}: ${(cause as Error).message}. Restore it from a .backup file beside it, move it away, or set PARLEY_HOME to another folder.`,
      { cause },
    );
  }
  try {
    return { connection, migration: migrate(connection, path) };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** An exclusive transaction on a file of its own is a lock that dies with the process. */
function lockHome(home: string): Libsql.Database {
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
 * Kysely opens transactions with a plain BEGIN, which takes the write lock only at the first write and can
 * then fail half-way; IMMEDIATE takes it at once and waits its turn. And some errors, a full disk among them,
 * make SQLite roll back by itself; Kysely's own rollback would then fail and hide the reason.
 */
export function asKyselyDatabase(connection: Libsql.Database, begin = 'begin immediate'): SqliteDatabase {
  return {
    prepare: (sql) => {
      const alreadyRolledBack = sql === 'rollback' && !connection.inTransaction;
      const replacement = sql === 'begin' ? begin : alreadyRolledBack ? 'select 1 where false' : sql;
      const statement = connection.prepare(replacement);
      return {
        reader: statement.reader,
        all: (parameters) => statement.all(parameters),
        run: (parameters) => statement.run(parameters),
        iterate: (parameters) => statement.iterate(parameters) as IterableIterator<unknown>,
      };
    },
    close: () => {
      connection.close();
    },
  };
}
