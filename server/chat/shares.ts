/**
 * Read-only links to a branch of a conversation, as it was when the link was made. Who has the link reads it, with or
 * without an account, until the owner revokes it or deletes the conversation. The token is kept as it is: it opens
 * nothing but the copy that lies beside it.
 */
import { randomBytes } from 'node:crypto';
import { type Share, type SharedConversation, sharedConversationSchema } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import type { ShareRow } from '../db/schema.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import { conversationOf, pathTo } from './conversations.ts';

const tokenBytes = 24;
const mostSharesPerConversation = 100;

/** @throws HttpError 404 for a conversation or message that is not the owner's, 409 while the branch is being written */
export async function share(db: Db, owner: string, conversationId: string, leafId: string): Promise<Share> {
  const { title } = await conversationOf(db, owner, conversationId);
  const path = await pathTo(db, leafId);
  if (path.at(-1)?.conversation_id !== conversationId) {
    throw new HttpError(404, 'message_not_found', `There is no message ${leafId} in this conversation.`, {
      param: 'leafId',
    });
  }
  if (path.some(({ status }) => status === 'streaming')) {
    throw new HttpError(409, 'still_writing', 'The answer is still being written. Stop it or wait for its end.');
  }
  const existing = await sharesOf(db, owner, conversationId);
  if (existing.length >= mostSharesPerConversation) {
    throw new HttpError(
      409,
      'too_many_shares',
      `This conversation has ${existing.length} links already. Revoke some first.`,
    );
  }
  const messages = path.map(({ id, role, content, created_at, model_name }) => ({
    id,
    role,
    content,
    createdAt: created_at,
    model: model_name,
  }));
  const row: ShareRow = {
    id: uuidv7(),
    conversation_id: conversationId,
    token: randomBytes(tokenBytes).toString('base64url'),
    title,
    messages: JSON.stringify(messages satisfies SharedConversation['messages']),
    message_count: messages.length,
    created_at: Date.now(),
  };
  await db.insertInto('shares').values(row).execute();
  return toShare(row);
}

/** @throws HttpError 404 */
export async function sharesOf(db: Db, owner: string, conversationId: string): Promise<Share[]> {
  await conversationOf(db, owner, conversationId);
  const rows = await db
    .selectFrom('shares')
    .select(['id', 'conversation_id', 'token', 'message_count', 'created_at'])
    .where('conversation_id', '=', conversationId)
    .orderBy('id', 'desc')
    .execute();
  return rows.map(toShare);
}

/** @throws HttpError 404 */
export async function revokeShare(db: Db, owner: string, id: string): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom('shares')
    .where('id', '=', id)
    .where('conversation_id', 'in', (query) =>
      query.selectFrom('conversations').select('id').where('owner_id', '=', owner),
    )
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw new HttpError(404, 'share_not_found', `There is no link ${id}.`);
}

/** What a link shows. @throws HttpError 404 */
export async function sharedBy(db: Db, token: string): Promise<SharedConversation> {
  const row = await db.selectFrom('shares').selectAll().where('token', '=', token).executeTakeFirst();
  if (!row) throw new HttpError(404, 'share_not_found', 'This link shows nothing: it was revoked, or never was.');
  return sharedConversationSchema.parse({
    title: row.title,
    messages: JSON.parse(row.messages),
    createdAt: row.created_at,
  });
}

function toShare(row: Omit<ShareRow, 'messages' | 'title'>): Share {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    token: row.token,
    messages: row.message_count,
    createdAt: row.created_at,
  };
}
