/** What opening either database gives. */
import type { Kysely } from 'kysely';
import type { MigrationResult } from './migrate.ts';
import type { Tables } from './schema.ts';

export type Db = Kysely<Tables>;

export interface OpenDatabase {
  db: Db;
  migration: MigrationResult;
  close(): Promise<void>;
}
