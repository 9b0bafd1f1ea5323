/** What administrators may set while the server runs. Read often, so it is kept in memory; one server owns a database. */
import { type Settings, settingsSchema } from '@parley/contracts';
import type { Db } from '../db/database.ts';

export class SettingsStore {
  readonly #db: Db;
  #current: Settings;

  private constructor(db: Db, current: Settings) {
    this.#db = db;
    this.#current = current;
  }

  /** @param beginning holds until an administrator sets something else */
  static async open(db: Db, beginning: Partial<Settings> = {}): Promise<SettingsStore> {
    const rows = await db.selectFrom('settings').selectAll().execute();
    const stored = Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(value)]));
    return new SettingsStore(db, settingsSchema.parse({ ...beginning, ...stored }));
  }

  get current(): Readonly<Settings> {
    return this.#current;
  }

  async change(settings: Settings): Promise<void> {
    const rows = Object.entries(settings).map(([name, value]) => ({ name, value: JSON.stringify(value) }));
    await this.#db
      .insertInto('settings')
      .values(rows)
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: ({ ref }) => ref('excluded.value') }))
      .execute();
    this.#current = settings;
  }
}
