/** How many tokens models read and wrote for each account today, and where that ends. */
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import type { Generation } from '../inference/generation.ts';
import type { SettingsStore } from './settings.ts';

const day = 24 * 3600_000;

export class TokenUsage {
  readonly #db: Db;
  readonly #settings: SettingsStore;

  constructor(db: Db, settings: SettingsStore) {
    this.#db = db;
    this.#settings = settings;
  }

  /** Since midnight UTC. */
  async today(userId: string): Promise<number> {
    const row = await this.#db
      .selectFrom('token_usage')
      .select('tokens')
      .where('user_id', '=', userId)
      .where('day', '=', Math.floor(Date.now() / day))
      .executeTakeFirst();
    return row?.tokens ?? 0;
  }

  /** @throws HttpError 429 for an account that has used up its day's tokens */
  async requireQuota(userId: string): Promise<void> {
    const { tokensPerDay } = this.#settings.current;
    if (tokensPerDay === 0 || (await this.today(userId)) < tokensPerDay) return;
    throw new HttpError(
      429,
      'insufficient_quota',
      `Your ${tokensPerDay} tokens of today are used up. More come at midnight UTC.`,
      { retryAfterSeconds: Math.ceil((day - (Date.now() % day)) / 1000) },
    );
  }

  /** Counts an answer when it has ended, whichever way. */
  async follow(userId: string, generation: Generation): Promise<void> {
    const accepted = await generation.accepted.catch(() => null);
    // Refused: nothing was read.
    if (!accepted) return;
    await generation.ended();
    await this.add(userId, accepted.promptTokens.length + generation.drawnTokens);
  }

  /** Counts what an answer took: the prompt's tokens and its own. */
  async add(userId: string, tokens: number): Promise<void> {
    await this.#db
      .insertInto('token_usage')
      .columns(['user_id', 'day', 'tokens'])
      // From the account itself, which may have been deleted while the answer was written.
      .expression((query) =>
        query
          .selectFrom('users')
          .select(({ ref, val }) => [
            ref('users.id').as('user_id'),
            val(Math.floor(Date.now() / day)).as('day'),
            val(tokens).as('tokens'),
          ])
          .where('users.id', '=', userId),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['user_id', 'day'])
          .doUpdateSet(({ eb, ref }) => ({ tokens: eb('token_usage.tokens', '+', ref('excluded.tokens')) })),
      )
      .execute();
  }
}
