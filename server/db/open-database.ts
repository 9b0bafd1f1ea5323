/** What opening either database gives. */
import type { Kysely } from 'kysely';
import type { MigrationResult } from './migrate.ts';
import type { Tables } from './schema.ts';

export type Db = Kysely<Tables>;

export interface OpenDatabase {
  db: Db;
  migration: MigrationResult;
  /**
   * A transaction that does not wait for the disk: it survives a kill like any other, and a power cut as soon as a
   * later one has waited.
   */
  unsynced<Result>(work: (transaction: Db) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}
