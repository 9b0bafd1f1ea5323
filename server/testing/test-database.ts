/** The database of a home in tests: SQLite, or one of its own in the PostgreSQL that the test run has started. */
import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/database.ts';
import { readDatabase } from '../db/reading.ts';
import type { Tables } from '../db/schema.ts';
import type {} from './postgres.ts';

/** What the server of this home would get as DATABASE_URL; undefined for SQLite. */
export async function databaseUrlOf(home: string): Promise<string | undefined> {
  const cluster = inject('postgres');
  if (!cluster) return undefined;
  const name = `parley_${createHash('sha256').update(home).digest('hex').slice(0, 16)}`;
  const client = new pg.Client({ connectionString: cluster });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  return cluster.replace('/postgres?', `/${name}?`);
}

/** Opens the database of a home as the server does. */
export async function openTestDatabase(home: string): Promise<OpenDatabase> {
  return openDatabase(home, await databaseUrlOf(home));
}

/** What a server of this home needs in its environment, in a process of its own. */
export async function serverEnvironment(home: string): Promise<NodeJS.ProcessEnv> {
  return { ...process.env, DATABASE_URL: (await databaseUrlOf(home)) ?? '' };
}

/** Looks into the database of a running server. */
export async function stored<Result>(
  home: string,
  read: (moment: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  return readDatabase(home, await databaseUrlOf(home), read);
}
