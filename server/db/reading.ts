/** The database as commands read it: beside a server that is using it, and without changing anything. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, SqliteDialect, type Transaction } from 'kysely';
import Libsql from 'libsql';
import { asKyselyDatabase } from './database.ts';
import type { Tables } from './schema.ts';

/**
 * Lets `read` see one moment in time, whatever the server writes meanwhile.
 * @param home the server's folder
 * @throws Error if there is no database
 */
export async function readDatabase<Result>(
  home: string,
  read: (moment: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  const path = join(home, 'parley.db');
  if (!existsSync(path)) throw new Error(`there is no database ${path}; set PARLEY_HOME to the server's folder`);
  const database = asKyselyDatabase(new Libsql(path, { readonly: true }), 'begin');
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
  try {
    return await db.transaction().setIsolationLevel('repeatable read').execute(read);
  } finally {
    await db.destroy();
  }
}
