/**
 * Forward-only migrations: numbered SQL files, each applied once in one transaction and remembered with its checksum.
 * A database that already holds data is copied before the first pending file touches it. A database written by a newer
 * version is refused rather than guessed at.
 *
 * The files are written for SQLite in the subset that translates to PostgreSQL word by word (postgres.ts). Where the
 * two differ more there is a file for each: `0042-name.sqlite.sql` and `0042-name.postgres.sql`.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const migrationsFolder = join(import.meta.dirname, 'migrations');

export interface Migration {
  version: number;
  name: string;
  sql: string;
  checksum: string;
}

export type AppliedMigration = Pick<Migration, 'version' | 'name' | 'checksum'>;

/** A database as migrations see it. */
export interface MigrationTarget {
  dialect: 'sqlite' | 'postgres';
  /** What messages call it. */
  name: string;
  /** Those applied before, oldest first; makes the table that remembers them if it is missing. */
  applied(): Promise<AppliedMigration[]>;
  /** Copies the database of schema `version`; returns where to, or null where that is not possible. */
  backUp(version: number): Promise<string | null>;
  /** Runs the file and remembers it, both or neither. */
  apply(migration: Migration): Promise<void>;
}

export interface MigrationResult {
  /** Names of the files applied now, in order. */
  applied: string[];
  /** The copy made first, if the database held data and something was pending. */
  backup: string | null;
}

/**
 * Brings a database to the newest schema of `folder`.
 * @throws Error if the database is newer than the folder, if an applied file was changed since, or if a file fails; the
 * database is then as it was before that file.
 */
export async function migrate(target: MigrationTarget, folder = migrationsFolder): Promise<MigrationResult> {
  const known = readMigrations(folder, target.dialect);
  const applied = await target.applied();
  const newest = applied.at(-1)?.version ?? 0;
  if (newest > known.length) {
    throw new Error(
      `The database ${target.name} has schema ${newest}, written by a newer Parley; this version knows schema ${known.length}. Run the newer version, or use another database.`,
    );
  }
  for (const row of applied) {
    const migration = known[row.version - 1]!;
    if (migration.checksum !== row.checksum) {
      throw new Error(
        `Migration ${migration.name} was changed after the database ${target.name} applied it as ${row.name} (checksum ${row.checksum.slice(0, 12)}, now ${migration.checksum.slice(0, 12)}). Restore the file as it was and put the change into a new migration.`,
      );
    }
  }

  const pending = known.slice(newest);
  if (pending.length === 0) return { applied: [], backup: null };
  const backup = newest > 0 ? await target.backUp(newest) : null;
  for (const migration of pending) {
    await target.apply(migration).catch((cause) => {
      const kept = backup ? ` A copy from before is at ${backup}.` : '';
      throw new Error(
        `Migration ${migration.name} failed and was rolled back: ${cause.message}.${kept} Nothing was lost.`,
        { cause },
      );
    });
  }
  return { applied: pending.map(({ name }) => name), backup };
}

function readMigrations(folder: string, dialect: MigrationTarget['dialect']): Migration[] {
  const other = dialect === 'sqlite' ? '.postgres.sql' : '.sqlite.sql';
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql') && !file.endsWith(other))
    .sort();
  return files.map((file, index) => {
    const version = Number(/^(\d{4})-/.exec(file)?.[1]);
    if (version !== index + 1) {
      throw new Error(`Migration ${file} in ${folder} is out of sequence: its number should be ${index + 1}.`);
    }
    const sql = readFileSync(join(folder, file), 'utf8');
    return { version, name: file, sql, checksum: createHash('sha256').update(sql).digest('hex') };
  });
}

/** A name for a backup made now. */
export function backupName(base: string, version: number): string {
  const time = new Date().toISOString().replaceAll(':', '-').replace(/\..*/, '');
  return `${base}.schema-${version}.${time}.backup`;
}
