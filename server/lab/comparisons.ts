/**
 * Blind comparisons: stored, answered in the background, judged. What is stored comes first, so a server that is
 * killed goes on answering where it was.
 */
import { createHash } from 'node:crypto';
import { type ChatMessage, type ComparisonResult, type Sampling, samplingSchema } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { ComparisonItemRow, ComparisonRow } from './tables.ts';
import { type Choice, winRateOf } from './win-rate.ts';

/** Of the slots that people's answers need as well. */
const answersAtOnce = 4;

export interface NewComparisonRow {
  left: string;
  right: string;
  prompts: ChatMessage[][];
  sampling: Sampling;
  user: string;
}

export class Comparisons {
  readonly #db: Db;
  readonly #pool: ModelPool;
  readonly #log: FastifyBaseLogger;
  #writing: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(db: Db, pool: ModelPool, log: FastifyBaseLogger) {
    this.#db = db;
    this.#pool = pool;
    this.#log = log;
  }

  async add({ left, right, prompts, sampling, user }: NewComparisonRow): Promise<ComparisonRow> {
    const row: ComparisonRow = {
      ...{ id: uuidv7(), left_id: left, right_id: right, sampling: JSON.stringify(sampling), error: null },
      ...{ user_id: user, created_at: Date.now() },
    };
    await this.#db.transaction().execute(async (transaction) => {
      await transaction.insertInto('comparisons').values(row).execute();
      for (const prompt of prompts) {
        const item = { id: uuidv7(), comparison_id: row.id, left_answer: null, right_answer: null };
        await transaction
          .insertInto('comparison_items')
          .values({ ...item, prompt: storableText(JSON.stringify(prompt)) })
          .execute();
      }
    });
    this.answer();
    return row;
  }

  /** Has the models write what is missing, in the background, one comparison after the other. */
  answer(): void {
    this.#writing = this.#writing
      .then(() => this.#answerAll())
      .catch((error) => this.#log.error(error, 'comparisons could not be answered'));
  }

  /** Asks the models for nothing more; what they are writing may come to its end. */
  stop(): void {
    this.#closing = true;
  }

  /** Call when the models have ended. */
  async close(): Promise<void> {
    this.stop();
    await this.#writing;
  }

  async #answerAll(): Promise<void> {
    const open = await this.#db
      .selectFrom('comparisons')
      .selectAll()
      .where('error', 'is', null)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('comparison_items')
            .select('id')
            .whereRef('comparison_id', '=', 'comparisons.id')
            .where(({ or, eb }) => or([eb('left_answer', 'is', null), eb('right_answer', 'is', null)])),
        ),
      )
      .orderBy('id')
      .execute();
    for (const comparison of open) {
      for (const side of ['left', 'right'] as const) await this.#answerSide(comparison, side);
    }
  }

  /** All prompts by one model, so that no two models need to be in memory for it at once. */
  async #answerSide(comparison: ComparisonRow, side: 'left' | 'right'): Promise<void> {
    const column = `${side}_answer` as const;
    const items = await this.#db
      .selectFrom('comparison_items')
      .selectAll()
      .where('comparison_id', '=', comparison.id)
      .where(column, 'is', null)
      .orderBy('id')
      .execute();
    const sampling = samplingSchema.parse(JSON.parse(comparison.sampling));
    const id = comparison[`${side}_id`];
    const answer = async (item: ComparisonItemRow, index: number) => {
      const text = await this.#write(id, JSON.parse(item.prompt), { ...sampling, seed: sampling.seed + index });
      await this.#db
        .updateTable('comparison_items')
        .set({ [column]: text })
        .where('id', '=', item.id)
        .execute();
    };
    let failure: Error | undefined;
    for (let at = 0; at < items.length && !failure && !this.#closing; at += answersAtOnce) {
      const group = items.slice(at, at + answersAtOnce).map((item, index) => answer(item, at + index));
      const failed = (await Promise.allSettled(group)).find((result) => result.status === 'rejected');
      failure = failed?.reason;
    }
    // A server that stops is no fault of the models: the next one goes on.
    if (!failure || this.#closing) return;
    await this.#db
      .updateTable('comparisons')
      .set({ error: `${id}: ${failure.message}` })
      .where('id', '=', comparison.id)
      .execute();
  }

  async #write(id: string, messages: ChatMessage[], sampling: Sampling): Promise<string> {
    const model = await this.#pool.model(id);
    const generation = this.#pool.generate(model.id, {
      ...{ messages, answer: [], dropOldestTurns: true, topLogProbabilities: null },
      sampling: { ...sampling, maxTokens: Math.min(sampling.maxTokens, model.context) },
    });
    let text = '';
    for await (const piece of generation.read()) text += piece.text;
    return storableText(text);
  }
}

/** Newest first, with all votes counted. */
export async function resultsOf(
  db: Db,
): Promise<{ id: string; left: string; right: string; createdAt: number; result: ComparisonResult }[]> {
  const rows = await db.selectFrom('comparisons').selectAll().orderBy('id', 'desc').execute();
  const votes = await db
    .selectFrom('comparison_votes')
    .innerJoin('comparison_items', 'comparison_items.id', 'comparison_votes.item_id')
    .select(['comparison_id', 'item_id', 'choice'])
    .execute();
  return rows.map((row) => ({
    ...{ id: row.id, left: row.left_id, right: row.right_id, createdAt: row.created_at },
    result: winRateOf(
      votes
        .filter(({ comparison_id }) => comparison_id === row.id)
        .map(({ item_id, choice }) => ({ item: item_id, choice })),
    ),
  }));
}

/** @throws HttpError 404 */
export async function comparisonOf(db: Db, id: string): Promise<ComparisonRow> {
  const row = await db.selectFrom('comparisons').selectAll().where('id', '=', id).executeTakeFirst();
  if (row) return row;
  throw new HttpError(404, 'comparison_not_found', `There is no comparison ${id}.`);
}

/** Prompts that both models have answered and the person has not judged, in an order of the person's own. */
export async function itemsLeft(db: Db, comparisonId: string, user: string): Promise<ComparisonItemRow[]> {
  const rows = await db
    .selectFrom('comparison_items')
    .selectAll()
    .where('comparison_id', '=', comparisonId)
    .where('left_answer', 'is not', null)
    .where('right_answer', 'is not', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('comparison_votes')
            .select('id')
            .whereRef('item_id', '=', 'comparison_items.id')
            .where('user_id', '=', user),
        ),
      ),
    )
    .execute();
  const key = ({ id }: ComparisonItemRow) => digest(`${user} ${id}`);
  return rows.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

/** Whether the left model's answer is shown first to this person: as good as random, and the same when asked again. */
export function leftIsFirst(item: string, user: string): boolean {
  return Number.parseInt(digest(`${item} ${user}`)[0]!, 16) < 8;
}

/** The first vote counts. @throws HttpError 404, 409 */
export async function vote(db: Db, itemId: string, user: string, choice: Choice): Promise<void> {
  const row = { id: uuidv7(), item_id: itemId, user_id: user, choice, created_at: Date.now() };
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('comparison_votes')
    .values(row)
    .onConflict((conflict) => conflict.columns(['item_id', 'user_id']).doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) throw new HttpError(409, 'voted', 'You have judged this one already.');
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
