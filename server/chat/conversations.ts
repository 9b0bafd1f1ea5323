/**
 * Conversations and their trees of messages, as stored. Everything is asked for together with its owner:
 * what belongs to somebody else does not exist.
 */
import type { Conversation, ConversationChange, Feedback, Message } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import type { ConversationRow, FeedbackRow, MessageRow } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { filesOfMessages } from '../files/message-files.ts';
import { HttpError } from '../http/errors.ts';

export async function listConversations(db: Db, owner: string): Promise<Conversation[]> {
  const rows = await db
    .selectFrom('conversations')
    .selectAll()
    .where('owner_id', '=', owner)
    .orderBy('updated_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
  return rows.map(toConversation);
}

export async function createConversation(
  db: Db,
  owner: string,
  assistantId: string | null = null,
): Promise<Conversation> {
  const now = Date.now();
  const row = {
    ...{ id: uuidv7(), owner_id: owner, assistant_id: assistantId, title: '', pinned_at: null },
    ...{ created_at: now, updated_at: now },
  };
  await db.insertInto('conversations').values(row).execute();
  return toConversation(row);
}

/** @throws HttpError 404 */
export async function conversationOf(db: Db, owner: string, id: string): Promise<Conversation> {
  const row = await db
    .selectFrom('conversations')
    .selectAll()
    .where('id', '=', id)
    .where('owner_id', '=', owner)
    .executeTakeFirst();
  if (!row) throw noSuchConversation(id);
  return toConversation(row);
}

/** @throws HttpError 404 */
export async function changeConversation(
  db: Db,
  owner: string,
  id: string,
  { title, pinned }: ConversationChange,
): Promise<Conversation> {
  const row = await db
    .updateTable('conversations')
    .set({
      ...(title !== undefined && { title: storableText(title) }),
      ...(pinned !== undefined && { pinned_at: pinned ? Date.now() : null }),
    })
    .where('id', '=', id)
    .where('owner_id', '=', owner)
    .returningAll()
    .executeTakeFirst();
  if (!row) throw noSuchConversation(id);
  return toConversation(row);
}

/** Its messages, generations and feedback go with it. @throws HttpError 404 */
export async function deleteConversation(db: Db, owner: string, id: string): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('conversations')
    .where('id', '=', id)
    .where('owner_id', '=', owner)
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw noSuchConversation(id);
}

/**
 * The whole tree, oldest first.
 * @param texts of messages that are being written, from a moment before: one that ends meanwhile is stored whole
 * @throws HttpError 404
 */
export async function messagesOf(
  db: Db,
  owner: string,
  conversationId: string,
  texts: ReadonlyMap<string, string>,
): Promise<Message[]> {
  await conversationOf(db, owner, conversationId);
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('conversation_id', '=', conversationId)
    .orderBy('id')
    .execute();
  const feedback = await db
    .selectFrom('feedback')
    .innerJoin('messages', 'messages.id', 'feedback.message_id')
    .selectAll('feedback')
    .where('messages.conversation_id', '=', conversationId)
    .where('feedback.user_id', '=', owner)
    .execute();
  const byMessage = new Map(feedback.map((row) => [row.message_id, row]));
  const files = await filesOfMessages(db, (query) => query.where('messages.conversation_id', '=', conversationId));
  return rows.map((row) => ({
    ...toMessage(row, byMessage.get(row.id)),
    content: (row.status === 'streaming' ? texts.get(row.id) : undefined) ?? row.content,
    files: files.get(row.id) ?? [],
  }));
}

/** @throws HttpError 404 */
export async function messageOf(db: Db, owner: string, id: string): Promise<Message> {
  const row = await db
    .selectFrom('messages')
    .innerJoin('conversations', 'conversations.id', 'messages.conversation_id')
    .selectAll('messages')
    .where('messages.id', '=', id)
    .where('conversations.owner_id', '=', owner)
    .executeTakeFirst();
  if (!row) throw new HttpError(404, 'message_not_found', `There is no message ${id}.`);
  const files = await filesOfMessages(db, (query) => query.where('messages.id', '=', id));
  return { ...toMessage(row), feedback: await feedbackOn(db, owner, id), files: files.get(id) ?? [] };
}

/** What the user thinks of a message, if anything. */
export async function feedbackOn(db: Db, user: string, messageId: string): Promise<Feedback | null> {
  const row = await db
    .selectFrom('feedback')
    .selectAll()
    .where('message_id', '=', messageId)
    .where('user_id', '=', user)
    .executeTakeFirst();
  return row ? toFeedback(row) : null;
}

/** From the first message down to `id`, both included; empty if there is no such message. */
export async function pathTo(db: Db, id: string): Promise<MessageRow[]> {
  const rows = await db
    .withRecursive('path', (query) =>
      query
        .selectFrom('messages')
        .selectAll()
        .where('id', '=', id)
        .unionAll(
          query.selectFrom('messages').innerJoin('path', 'path.parent_id', 'messages.id').selectAll('messages'),
        ),
    )
    .selectFrom('path')
    .selectAll()
    .execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  const path: MessageRow[] = [];
  for (let row = byId.get(id); row; row = byId.get(row.parent_id ?? '')) path.unshift(row);
  return path;
}

/** The newest message that nothing follows; null in an empty conversation. */
export async function newestLeaf(db: Db, conversationId: string): Promise<string | null> {
  const row = await db
    .selectFrom('messages as leaf')
    .select('leaf.id')
    .where('leaf.conversation_id', '=', conversationId)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('messages as child').select('child.id').whereRef('child.parent_id', '=', 'leaf.id'))),
    )
    .orderBy('leaf.id', 'desc')
    .executeTakeFirst();
  return row?.id ?? null;
}

/** The newest generation of an answer; the empty string if it never had one. */
export async function newestRun(db: Db, messageId: string): Promise<string> {
  const row = await db
    .selectFrom('generations')
    .select('id')
    .where('message_id', '=', messageId)
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return row?.id ?? '';
}

const longestTitle = 60;

/** The first line of the question, cut between characters as people see them. */
export function titleFrom(question: string): string {
  const line = question.trim().split('\n', 1)[0]!.replace(/\s+/g, ' ').trim();
  const characters = Array.from(
    new Intl.Segmenter().segment(line.slice(0, longestTitle * 12)),
    ({ segment }) => segment,
  );
  return characters.length <= longestTitle ? characters.join('') : `${characters.slice(0, longestTitle - 1).join('')}…`;
}

export function toConversation(row: ConversationRow): Conversation {
  const { id, assistant_id, title, pinned_at, created_at, updated_at } = row;
  return {
    ...{ id, title, assistantId: assistant_id, pinned: pinned_at !== null },
    ...{ createdAt: created_at, updatedAt: updated_at },
  };
}

export function toMessage(row: MessageRow, feedback?: FeedbackRow): Message {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    parentId: row.parent_id,
    role: row.role,
    content: row.content,
    createdAt: row.created_at,
    status: row.status,
    model: row.model_name,
    droppedTurns: row.dropped_turns,
    feedback: feedback ? toFeedback(feedback) : null,
    files: [],
  };
}

export function toFeedback(row: FeedbackRow): Feedback {
  return {
    messageId: row.message_id,
    thumb: row.thumb,
    reasons: JSON.parse(row.reasons),
    comment: row.comment,
    betterAnswer: row.better_answer,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function noSuchConversation(id: string): HttpError {
  return new HttpError(404, 'conversation_not_found', `There is no conversation ${id}.`);
}
