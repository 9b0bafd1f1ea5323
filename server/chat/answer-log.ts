/**
 * The durable log of the answers that are being written. A flush is one row, whatever the number of answers, and holds
 * what is new and not what is there; when an answer has ended it is stored whole in its message and its generation. An
 * old row is dropped when no answer in it is being written any more.
 */
import { z } from 'zod';
import type { Db } from '../db/database.ts';
import { packTokens, unpackTokens } from '../db/schema.ts';

const logEntrySchema = z.object({
  /** The id of the generation. */
  run: z.string(),
  text: z.string(),
  tokens: z.array(z.number()),
  /** What a filter holds back after the text; another flush may say otherwise. */
  held: z.string(),
});
export type LogEntry = z.infer<typeof logEntrySchema>;
const logEntriesSchema = z.array(logEntrySchema);

export async function appendToLog(db: Db, flush: number, entries: readonly LogEntry[]): Promise<void> {
  await db
    .insertInto('answer_log')
    .values({ flush, entries: JSON.stringify(entries) })
    .execute();
}

/** Drops what came before a flush. */
export async function trimLog(db: Db, before: number): Promise<void> {
  await db.deleteFrom('answer_log').where('flush', '<', before).execute();
}

/** What is logged of each generation, put together. */
export async function readLog(db: Db): Promise<Map<string, LogEntry>> {
  const rows = await db.selectFrom('answer_log').select('entries').orderBy('flush').execute();
  const logged = new Map<string, LogEntry>();
  for (const { entries } of rows) {
    for (const { run, text, tokens, held } of logEntriesSchema.parse(JSON.parse(entries))) {
      const known = logged.get(run);
      if (!known) logged.set(run, { run, text, tokens, held });
      else {
        known.text += text;
        for (const token of tokens) known.tokens.push(token);
        known.held = held;
      }
    }
  }
  return logged;
}

/** Puts what is logged of unfinished answers into their messages and generations, as after a crash. */
export async function settleLog(db: Db): Promise<void> {
  const logged = await readLog(db);
  const unfinished = await db
    .selectFrom('generations')
    .innerJoin('messages', 'messages.id', 'generations.message_id')
    .select(['generations.id', 'generations.message_id', 'generations.answer_tokens', 'messages.content'])
    .where('generations.finished_at', 'is', null)
    .execute();
  for (const { id, message_id, answer_tokens, content } of unfinished) {
    const found = logged.get(id);
    if (!found) continue;
    const text = content + found.text + found.held;
    const tokens = [...unpackTokens(answer_tokens), ...found.tokens];
    await db.updateTable('messages').set({ content: text }).where('id', '=', message_id).execute();
    await db
      .updateTable('generations')
      .set({ answer_tokens: packTokens(tokens) })
      .where('id', '=', id)
      .execute();
  }
  await db.deleteFrom('answer_log').execute();
}
