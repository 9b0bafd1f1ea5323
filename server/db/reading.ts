/** The database as commands read it: beside a server that is using it, and without changing anything. */
import { existsSync } from 'node:fs';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import Libsql from 'libsql';
import { postgresPool } from './postgres.ts';
import type { Tables } from './schema.ts';
import { sqliteDialect, sqlitePath } from './sqlite.ts';

/**
 * Lets `read` see one moment in time, whatever the server writes meanwhile.
 * @param home the server's folder
 * @param url the server's DATABASE_URL, if it has one
 * @throws Error if there is no database
 */
export async function readDatabase<Result>(
  home: string,
  url: string | undefined,
  read: (moment: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  const db = new Kysely<Tables>({ dialect: url ? new PostgresDialect({ pool: postgresPool(url) }) : readSqlite(home) });
  try {
    return await db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read);
  } finally {
    await db.destroy();
  }
}

function readSqlite(home: string) {
  const path = sqlitePath(home);
  if (!existsSync(path)) throw new Error(`there is no database ${path}; set PARLEY_HOME to the server's folder`);
  return sqliteDialect(new Libsql(path, { readonly: true }), 'begin');
}
