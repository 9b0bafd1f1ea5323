/** PostgreSQL through pg, made to keep the promises that SQLite keeps (database.ts). */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  PostgresDialect,
  PostgresDriver,
  sql,
  type TransactionSettings,
} from 'kysely';
import pg from 'pg';
import { type AppliedMigration, backupName, type MigrationTarget, migrate } from './migrate.ts';
import type { OpenDatabase } from './open-database.ts';
import type { Tables } from './schema.ts';

const run = promisify(execFile);

const connections = 10;
/** Keys of advisory locks are a name space of their own in every database; these spell "parl". */
const serverLock = 0x70_61_72_6c;
const writeLock = serverLock + 1;
const lockTries = 20;
const lockPauseMilliseconds = 100;
const int8 = 20;
const numeric = 1700;

export async function openPostgres(home: string, url: string): Promise<OpenDatabase> {
  const name = nameOf(url);
  const lock = await lockDatabase(url, name);
  const pool = postgresPool(url);
  try {
    const migration = await migrate(postgresTarget(pool, { url, name, home }));
    const db = new Kysely<Tables>({ dialect: new SerialPostgresDialect(pool) });
    return {
      db,
      migration,
      unsynced: (work) =>
        db.transaction().execute(async (transaction) => {
          await sql`SET LOCAL synchronous_commit TO OFF`.execute(transaction);
          return work(transaction);
        }),
      async close() {
        await db.destroy();
        await lock.release();
      },
    };
  } catch (error) {
    await pool.end();
    await lock.release();
    throw error;
  }
}

/** A pool whose integers, counts and sums are numbers: none of ours passes 2^53. */
export function postgresPool(url: string): pg.Pool {
  const getTypeParser = ((oid: number, format: 'text') =>
    oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;
  const pool = new pg.Pool({ connectionString: url, max: connections, types: { getTypeParser } });
  // A connection that breaks is replaced. Whoever was using it learns it from their query, and between two queries of a
  // transaction from the next one; the event itself is for nobody, and would end the server if nobody took it.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * Lets transactions begin one after another, as SQLite's BEGIN IMMEDIATE does: what one reads before it writes is not
 * changed by another meanwhile. Ours are short, and one server owns the database.
 */
class SerialPostgresDialect extends PostgresDialect {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    super({ pool });
    this.#pool = pool;
  }

  override createDriver(): PostgresDriver {
    return new SerialPostgresDriver({ pool: this.#pool });
  }
}

class SerialPostgresDriver extends PostgresDriver {
  override async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await super.beginTransaction(connection, settings);
    await connection.executeQuery(CompiledQuery.raw(`select pg_advisory_xact_lock(${writeLock})`));
  }
}

interface Lock {
  release(): Promise<void>;
}

/** A lock of one connection that lasts as long as the server; taken again if that connection breaks. */
async function lockDatabase(url: string, name: string): Promise<Lock> {
  const taken = new Error(
    `Another Parley server is using the database ${name}. Stop it, or set DATABASE_URL to another database for this one.`,
  );
  let client: pg.Client;
  let released = false;

  async function take(): Promise<void> {
    client = new pg.Client({ connectionString: url, keepAlive: true });
    client.on('error', () => void takeAgain());
    await client.connect();
    // PostgreSQL may notice a moment later that a server that was killed is gone.
    for (let tries = 0; ; tries++) {
      const { rows } = await client.query(`select pg_try_advisory_lock(${serverLock}) as got`);
      if (rows[0].got) return;
      if (tries === lockTries) break;
      await new Promise((resolve) => setTimeout(resolve, lockPauseMilliseconds));
    }
    await client.end();
    throw taken;
  }

  async function takeAgain(): Promise<void> {
    if (released) return;
    await take().catch((error) => {
      // Two servers on one database would end each other's answers: better none than two.
      if (error === taken) throw error;
      setTimeout(() => void takeAgain(), 1_000).unref();
    });
  }

  try {
    await take();
  } catch (cause) {
    if (cause === taken) throw cause;
    throw new Error(
      `Cannot open the database ${name}: ${(cause as Error).message || (cause as { code?: string }).code}. Check DATABASE_URL and that PostgreSQL is running.`,
      { cause },
    );
  }
  return {
    async release() {
      released = true;
      await client.end();
    },
  };
}

function postgresTarget(pool: pg.Pool, place: { url: string; name: string; home: string }): MigrationTarget {
  return {
    dialect: 'postgres',
    name: place.name,
    async applied() {
      await pool.query(
        'CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)',
      );
      const { rows } = await pool.query('SELECT version, name, checksum FROM schema_migrations ORDER BY version');
      return rows as AppliedMigration[];
    },
    async backUp(version) {
      const backup = backupName(join(place.home, 'parley.postgres'), version);
      return (await dumpPostgres(place.url, backup)) ? backup : null;
    },
    async apply({ version, name, sql, checksum }) {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query(toPostgres(sql));
        await client.query(
          'INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)',
          [...[version, name, checksum, Date.now()]],
        );
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      } finally {
        client.release();
      }
    },
  };
}

/**
 * Our migrations' SQL as PostgreSQL takes it. SQLite's INTEGER has 64 bits, its BLOB is BYTEA, and STRICT says what
 * PostgreSQL does anyway. Comments are dropped, so that their words stay out of it.
 */
export function toPostgres(sql: string): string {
  return sql
    .replace(/^\s*--.*$/gm, '')
    .replace(/\bINTEGER\b/g, 'BIGINT')
    .replace(/\bBLOB\b/g, 'BYTEA')
    .replace(/\)\s*STRICT\b/g, ')');
}

/**
 * Writes the whole database to `file` in pg_dump's own format, consistent whatever the server writes meanwhile.
 * @returns false where there is no pg_dump
 * @throws Error if pg_dump fails
 */
export async function dumpPostgres(url: string, file: string): Promise<boolean> {
  try {
    await run('pg_dump', ['--format=custom', '--no-owner', '--file', file, '--dbname', url]);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    const { stderr, message } = cause as { stderr?: string; message: string };
    throw new Error(`pg_dump failed: ${(stderr || message).trim().split('\n')[0]}`, { cause });
  }
}

/**
 * Reads a file of `dumpPostgres` into an empty database, all of it or nothing.
 * @throws Error if the database is not empty or cannot be written
 */
export async function restorePostgres(url: string, file: string): Promise<void> {
  try {
    await run('pg_restore', ['--no-owner', '--single-transaction', '--exit-on-error', '--dbname', url, file]);
  } catch (cause) {
    const { code, stderr, message } = cause as { code?: unknown; stderr?: string; message: string };
    if (code === 'ENOENT') {
      throw new Error('pg_restore is missing; install the client programs of PostgreSQL (Debian: postgresql-client)');
    }
    const reason = (stderr || message).trim().split('\n')[0];
    throw new Error(`pg_restore failed and changed nothing: ${reason}. Is the database ${nameOf(url)} empty?`, {
      cause,
    });
  }
}

/** The database without who connects and by which password. */
function nameOf(url: string): string {
  try {
    const { host, pathname, searchParams } = new URL(url);
    return `${host || searchParams.get('host') || 'localhost'}${pathname}`;
  } catch {
    throw new Error(
      "DATABASE_URL is not an address of a database. It should look like 'postgresql://user:password@host/database'.",
    );
  }
}
