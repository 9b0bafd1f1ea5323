/**
 * The server's database, queried with Kysely: SQLite in the server's folder, or PostgreSQL where a URL is given.
 *
 * What holds on both: a commit that returned survives a kill and a power cut (`unsynced`: a kill); a transaction has
 * the database to itself for writing; integers are numbers; foreign keys are enforced. One server owns a database at a time, and a lock that
 * goes with the process says so, because a second server would take the first one's running answers for the remains of
 * a crash.
 */
import { mkdirSync } from 'node:fs';
import type { OpenDatabase } from './open-database.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export type { Db, OpenDatabase } from './open-database.ts';

/**
 * Opens the database of the server in `home`, creating and migrating it as needed.
 * @param url `postgresql://…`; absent or empty: SQLite in `home/parley.db`
 * @throws Error in one line if the folder cannot be written, another server holds the database, it cannot be opened, or
 * its schema cannot be brought up to date.
 */
export async function openDatabase(home: string, url?: string): Promise<OpenDatabase> {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Error(`Cannot make the folder ${home}: ${(cause as Error).message}. Set PARLEY_HOME to another.`, {
      cause,
    });
  }
  return url ? openPostgres(home, url) : openSqlite(home);
}
