/**
 * Forward-only migrations: numbered SQL files, each applied once in one transaction and remembered with
 * its checksum. A database that already holds data is copied with VACUUM INTO before the first pending
 * file touches it. A database written by a newer version is refused rather than guessed at.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'libsql';

export const migrationsFolder = join(import.meta.dirname, 'migrations');

interface Migration {
  version: number;
  name: string;
  sql: string;
  checksum: string;
}

interface AppliedMigration {
  version: number;
  name: string;
  checksum: string;
}

export interface MigrationResult {
  /** Names of the files applied now, in order. */
  applied: string[];
  /** The copy made first, if the database held data and something was pending. */
  backup: string | null;
}

/**
 * Brings the database at `path` to the newest schema of `folder`.
 * @throws Error if the database is newer than the folder, if an applied file was changed since, or if a
 * file fails; the database is then as it was before that file.
 */
export function migrate(database: Database.Database, path: string, folder = migrationsFolder): MigrationResult {
  const known = readMigrations(folder);
  database.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
  );
  const applied = database
    .prepare('SELECT version, name, checksum FROM schema_migrations ORDER BY version')
    .all() as AppliedMigration[];

  const newest = applied.at(-1)?.version ?? 0;
  if (newest > known.length) {
    throw new Error(
      `The database ${path} has schema ${newest}, written by a newer Parley; this version knows schema ${known.length}. Run the newer version, or set PARLEY_HOME to another folder.`,
    );
  }
  for (const row of applied) {
    const migration = known[row.version - 1]!;
    if (migration.checksum !== row.checksum) {
      throw new Error(
        `Migration ${migration.name} was changed after the database ${path} applied it as ${row.name} (checksum ${row.checksum.slice(0, 12)}, now ${migration.checksum.slice(0, 12)}). Restore the file as it was and put the change into a new migration.`,
      );
    }
  }

  const pending = known.slice(newest);
  if (pending.length === 0) return { applied: [], backup: null };
  const backup = newest > 0 ? backUp(database, path, newest) : null;
  for (const migration of pending) apply(database, migration, backup);
  return { applied: pending.map(({ name }) => name), backup };
}

function readMigrations(folder: string): Migration[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
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

function backUp(database: Database.Database, path: string, version: number): string {
  const time = new Date().toISOString().replaceAll(':', '-').replace(/\..*/, '');
  const backup = `${path}.schema-${version}.${time}.backup`;
  database.prepare('VACUUM INTO ?').run(backup);
  return backup;
}

function apply(database: Database.Database, migration: Migration, backup: string | null): void {
  // Rebuilding a table drops and renames it; with enforcement on, the drop would cascade. The pragma is a
  // no-op inside a transaction, so it stands outside, and the check takes its place before the commit.
  database.exec('PRAGMA foreign_keys = OFF');
  try {
    database.exec('BEGIN IMMEDIATE');
    database.exec(migration.sql);
    const broken = database.prepare('PRAGMA foreign_key_check').all() as { table: string }[];
    if (broken.length > 0) throw new Error(`${broken.length} rows of ${broken[0]!.table} refer to rows that are gone`);
    database
      .prepare('INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)')
      .run(migration.version, migration.name, migration.checksum, Date.now());
    database.exec('COMMIT');
  } catch (cause) {
    if (database.inTransaction) database.exec('ROLLBACK');
    const kept = backup ? ` A copy from before is at ${backup}.` : '';
    throw new Error(
      `Migration ${migration.name} failed and was rolled back: ${(cause as Error).message}.${kept} Nothing was lost.`,
      { cause },
    );
  } finally {
    database.exec('PRAGMA foreign_keys = ON');
  }
}
