/**
 * The durable log of the answers that are being written: a row for what each flush added, so that the work of a flush
 * is a matter of what is new and not of what is there. The sequence number of a row is the character at which it
 * begins. When an answer has ended it is stored whole, and its log goes.
 */
import type { Db } from '../db/database.ts';
import { packTokens, unpackTokens } from '../db/schema.ts';

/** Where what a filter holds back is kept; it may still change, so it is no part of the log. */
const heldSequence = 2 ** 31 - 1;
const rowsPerInsert = 200;

export interface LogEntry {
  generationId: string;
  /** The character at which the text begins. */
  sequence: number;
  text: string;
  tokens: readonly number[];
}

/** What comes after everything that is logged, in place of what was held there before. */
export function heldEntry(generationId: string, text: string): LogEntry {
  return { generationId, sequence: heldSequence, text, tokens: [] };
}

export async function appendToLog(db: Db, entries: readonly LogEntry[]): Promise<void> {
  for (let start = 0; start < entries.length; start += rowsPerInsert) {
    const rows = entries.slice(start, start + rowsPerInsert).map(({ generationId, sequence, text, tokens }) => ({
      ...{ generation_id: generationId, sequence, text },
      tokens: packTokens(tokens),
    }));
    await db
      .insertInto('answer_pieces')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['generation_id', 'sequence'])
          .doUpdateSet(({ ref }) => ({ text: ref('excluded.text'), tokens: ref('excluded.tokens') })),
      )
      .execute();
  }
}

/** The texts that are logged, by message; what the message itself holds comes before. */
export async function loggedTexts(db: Db, messageIds: readonly string[]): Promise<Map<string, string>> {
  if (messageIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('answer_pieces')
    .innerJoin('generations', 'generations.id', 'answer_pieces.generation_id')
    .select(['generations.message_id', 'answer_pieces.text'])
    .where('generations.message_id', 'in', messageIds)
    .orderBy('answer_pieces.sequence')
    .execute();
  const texts = new Map<string, string>();
  for (const { message_id, text } of rows) texts.set(message_id, (texts.get(message_id) ?? '') + text);
  return texts;
}

/** Puts every log into its message and its generation, as after a crash. */
export async function settleLogs(db: Db): Promise<void> {
  const logged = await db
    .selectFrom('answer_pieces')
    .innerJoin('generations', 'generations.id', 'answer_pieces.generation_id')
    .innerJoin('messages', 'messages.id', 'generations.message_id')
    .select(['generations.id', 'generations.message_id', 'generations.answer_tokens', 'messages.content'])
    .distinct()
    .execute();
  for (const { id, message_id, answer_tokens, content } of logged) {
    const pieces = await db
      .selectFrom('answer_pieces')
      .select(['text', 'tokens'])
      .where('generation_id', '=', id)
      .orderBy('sequence')
      .execute();
    const text = content + pieces.map((piece) => piece.text).join('');
    const tokens = [...unpackTokens(answer_tokens), ...pieces.flatMap((piece) => unpackTokens(piece.tokens))];
    await db.updateTable('messages').set({ content: text }).where('id', '=', message_id).execute();
    await db
      .updateTable('generations')
      .set({ answer_tokens: packTokens(tokens) })
      .where('id', '=', id)
      .execute();
  }
  await db.deleteFrom('answer_pieces').execute();
}
