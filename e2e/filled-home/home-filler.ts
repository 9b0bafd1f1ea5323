/** What every part of a filled home needs: the database, times in the past, and ids that sort by them. */
import type { openTestDatabase } from '@parley/server/test-database';

type Database = Awaited<ReturnType<typeof openTestDatabase>>['db'];

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

export class HomeFiller {
  readonly home: string;
  readonly db: Database;
  readonly #now = Date.now();
  #made = 0;

  constructor(home: string, db: Database) {
    this.home = home;
    this.db = db;
  }

  /** Epoch milliseconds. */
  ago({ days = 0, hours = 0, minutes = 0 }: { days?: number; hours?: number; minutes?: number }): number {
    return this.#now - days * day - hours * hour - minutes * minute;
  }

  /** A UUID of version 7: of two made for one moment the second sorts behind the first. */
  id(at: number): string {
    const time = at.toString(16).padStart(12, '0');
    const count = (this.#made++).toString(16).padStart(3, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-8000-${count.padStart(12, '0')}`;
  }
}
