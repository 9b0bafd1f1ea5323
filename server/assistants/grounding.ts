/** What the assistant of a conversation gives to an answer: its model, its instructions, the passages found. */
import type { ChatMessage, Citation } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import { assistantOf } from './assistants.ts';
import { searchPassages } from './document-index.ts';
import type { CitationRow } from './tables.ts';

/** A passage as it goes into the prompt. */
export type GivenPassage = Omit<Citation, 'messageId' | 'number'>;

export interface Grounding {
  /** Null: whichever is deployed. */
  model: string | null;
  /** The system message, if the assistant has instructions. */
  system: ChatMessage[];
  /** Best first. How many of them fit into the prompt is found out later. */
  passages: GivenPassage[];
}

const mostPassages = 4;
const nothing: Grounding = { model: null, system: [], passages: [] };

/**
 * @param messageId an answer to go on with: it is given the same passages again
 * @throws HttpError 409 if the assistant is not shared with the user any more
 */
export async function groundingFor(
  db: Db,
  user: string,
  conversationId: string,
  question: string,
  messageId?: string,
): Promise<Grounding> {
  const { assistant_id } = await db
    .selectFrom('conversations')
    .select('assistant_id')
    .where('id', '=', conversationId)
    .executeTakeFirstOrThrow();
  if (assistant_id === null) return nothing;
  const assistant = await assistantOf(db, user, assistant_id).catch((error: unknown) => {
    if (!(error instanceof HttpError)) throw error;
    throw new HttpError(409, 'assistant_withdrawn', 'The assistant of this conversation is not shared any more.');
  });
  const given = messageId === undefined ? [] : await citationsOf(db, messageId);
  return {
    model: assistant.model,
    system: assistant.instructions === '' ? [] : [{ role: 'system', content: assistant.instructions }],
    passages: given.length > 0 ? given : await passagesFor(db, assistant_id, question),
  };
}

export async function passagesFor(db: Db, assistantId: string, question: string): Promise<GivenPassage[]> {
  const found = await searchPassages(db, assistantId, question, mostPassages);
  return found.map(({ score: _, ...passage }) => passage);
}

/** Keeps with an answer what the model was given for it. */
export async function storeCitations(db: Db, messageId: string, passages: readonly GivenPassage[]): Promise<void> {
  if (passages.length === 0) return;
  const rows = passages.map(({ documentId, documentName, start, end, text }, index) => ({
    message_id: messageId,
    number: index + 1,
    document_id: documentId,
    document_name: documentName,
    start_offset: start,
    end_offset: end,
    text,
  }));
  // A continued answer has them already.
  await db
    .insertInto('citations')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Those of all answers of a conversation. */
export async function citationsIn(db: Db, conversationId: string): Promise<Citation[]> {
  const rows = await db
    .selectFrom('citations')
    .innerJoin('messages', 'messages.id', 'citations.message_id')
    .where('messages.conversation_id', '=', conversationId)
    .selectAll('citations')
    .orderBy('message_id')
    .orderBy('number')
    .execute();
  return rows.map((row) => ({ messageId: row.message_id, number: row.number, ...toPassage(row) }));
}

async function citationsOf(db: Db, messageId: string): Promise<GivenPassage[]> {
  const rows = await db
    .selectFrom('citations')
    .selectAll()
    .where('message_id', '=', messageId)
    .orderBy('number')
    .execute();
  return rows.map(toPassage);
}

function toPassage(row: CitationRow): GivenPassage {
  return {
    documentId: row.document_id,
    documentName: row.document_name,
    start: row.start_offset,
    end: row.end_offset,
    text: row.text,
  };
}
