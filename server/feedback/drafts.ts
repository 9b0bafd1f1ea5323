/**
 * Two drafts side by side: now and then an answer gets a second one, drawn with another seed, and the person says
 * which is better. Both are ordinary answers to the same question, so the one that was not chosen stays as a version.
 */
import { randomInt } from 'node:crypto';
import type { DraftChoice, DraftPair, Message, SamplingOverrides } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { SettingsStore } from '../accounts/settings.ts';
import { conversationOf } from '../chat/conversations.ts';
import { regenerate, type Turns } from '../chat/turns.ts';
import type { Db } from '../db/database.ts';
import type { DraftPairRow } from '../db/schema.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';

export class Drafts {
  readonly #turns: Turns;
  readonly #settings: SettingsStore;
  readonly #log: FastifyBaseLogger;

  /** @param settings say how many answers get a second draft; which ones is drawn at random */
  constructor(turns: Turns, settings: SettingsStore, log: FastifyBaseLogger) {
    this.#turns = turns;
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Starts a second draft beside an answer that is just beginning, if it is time for one: not where a question was
   * edited, and never for two answers in a row. A draft that cannot be started is done without.
   */
  async offer(owner: string, question: Message, answer: Message, sampling: SamplingOverrides = {}): Promise<void> {
    const { draftsEvery } = this.#settings.current;
    if (draftsEvery === 0 || randomInt(draftsEvery) !== 0) return;
    const { db } = this.#turns;
    if ((await isEdited(db, question)) || (await comparedLast(db, owner, answer.id))) return;
    try {
      // The same wishes, but not the same seed.
      const { seed: _, ...wishes } = sampling;
      const second = await regenerate(this.#turns, owner, answer.id, { sampling: wishes });
      const [left, right] = randomInt(2) === 0 ? [answer, second] : [second, answer];
      await db
        .insertInto('draft_pairs')
        .values({
          id: uuidv7(),
          user_id: owner,
          conversation_id: answer.conversationId,
          left_message_id: left.id,
          right_message_id: right.id,
          choice: null,
          created_at: Date.now(),
          chosen_at: null,
        })
        .execute();
    } catch (error) {
      this.#log.warn(error, 'an answer goes without its second draft');
    }
  }
}

/** The pairs of a conversation, oldest first. @throws HttpError 404 */
export async function draftPairsOf(db: Db, owner: string, conversationId: string): Promise<DraftPair[]> {
  await conversationOf(db, owner, conversationId);
  const rows = await db
    .selectFrom('draft_pairs')
    .selectAll()
    .where('conversation_id', '=', conversationId)
    .where('user_id', '=', owner)
    .orderBy('id')
    .execute();
  return rows.map(toDraftPair);
}

/** @throws HttpError 404 */
export async function chooseDraft(db: Db, owner: string, id: string, choice: DraftChoice): Promise<DraftPair> {
  const row = await db
    .updateTable('draft_pairs')
    .set({ choice, chosen_at: Date.now() })
    .where('id', '=', id)
    .where('user_id', '=', owner)
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new HttpError(404, 'drafts_not_found', `There is no pair of drafts ${id}.`);
  return toDraftPair(row);
}

/** Whether another question stands at the same place: this one is then a new wording of it. */
async function isEdited(db: Db, { id, conversationId, parentId }: Message): Promise<boolean> {
  const sibling = await db
    .selectFrom('messages')
    .select('id')
    .where('conversation_id', '=', conversationId)
    .where('parent_id', parentId === null ? 'is' : '=', parentId)
    .where('id', '!=', id)
    .executeTakeFirst();
  return sibling !== undefined;
}

/** Whether the answer that the person got before this one was a draft to compare. */
async function comparedLast(db: Db, owner: string, answerId: string): Promise<boolean> {
  const last = await db
    .selectFrom('messages')
    .innerJoin('conversations', 'conversations.id', 'messages.conversation_id')
    .leftJoin('draft_pairs', (join) =>
      join.on(({ eb, or, ref }) =>
        or([
          eb('draft_pairs.left_message_id', '=', ref('messages.id')),
          eb('draft_pairs.right_message_id', '=', ref('messages.id')),
        ]),
      ),
    )
    .select('draft_pairs.id as pair')
    .where('conversations.owner_id', '=', owner)
    .where('messages.role', '=', 'assistant')
    .where('messages.id', '!=', answerId)
    .orderBy('messages.id', 'desc')
    .executeTakeFirst();
  return last !== undefined && last.pair !== null;
}

function toDraftPair(row: DraftPairRow): DraftPair {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    left: row.left_message_id,
    right: row.right_message_id,
    choice: row.choice,
  };
}
