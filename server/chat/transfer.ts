/** Conversations as a JSON file, and back: to keep them, to move them to another installation, to read them elsewhere. */
import type { Conversation, ConversationExport, ExportedMessage, Message } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import type { ConversationRow, MessageRow } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import type { Answers } from './answers.ts';
import { listConversations, messagesOf, toConversation } from './conversations.ts';

/** Rows of one INSERT: well below the number of parameters that either database takes. */
const rowsPerInsert = 200;

/** @param conversations absent: all of the owner's */
export async function exportConversations(
  db: Db,
  answers: Pick<Answers, 'textsIn'>,
  owner: string,
  conversations?: readonly Conversation[],
): Promise<ConversationExport> {
  const exported: ConversationExport['conversations'] = [];
  for (const conversation of conversations ?? (await listConversations(db, owner))) {
    const { title, pinned, createdAt, updatedAt } = conversation;
    const messages = (await messagesOf(db, owner, conversation.id, answers.textsIn(conversation.id))).map(
      exportedMessage,
    );
    exported.push({ title, pinned, createdAt, updatedAt, messages });
  }
  return { format: 'parley.conversations', version: 1, exportedAt: Date.now(), conversations: exported };
}

function exportedMessage(message: Message): ExportedMessage {
  const { id, parentId, role, content, createdAt, status, model, feedback } = message;
  return { id, parentId, role, content, createdAt, status, model, ...(feedback && { feedback }) };
}

/**
 * Stores copies with new ids, all or none.
 * @throws HttpError 400 for a tree that is none
 */
export async function importConversations(db: Db, owner: string, file: ConversationExport): Promise<Conversation[]> {
  const rows = file.conversations.map((conversation, index) => {
    const row: ConversationRow = {
      id: uuidv7(),
      owner_id: owner,
      assistant_id: null,
      title: storableText(conversation.title),
      pinned_at: conversation.pinned ? Date.now() : null,
      created_at: conversation.createdAt,
      updated_at: conversation.updatedAt,
    };
    return { row, messages: messageRows(row.id, conversation.messages, `conversations[${index}].messages`) };
  });
  await db.transaction().execute(async (transaction) => {
    for (const { row, messages } of rows) {
      await transaction.insertInto('conversations').values(row).execute();
      for (let start = 0; start < messages.length; start += rowsPerInsert) {
        await transaction
          .insertInto('messages')
          .values(messages.slice(start, start + rowsPerInsert))
          .execute();
      }
    }
  });
  return rows.map(({ row }) => toConversation(row));
}

function messageRows(conversationId: string, messages: readonly ExportedMessage[], field: string): MessageRow[] {
  const known = new Map<string, MessageRow>();
  for (const [index, message] of messages.entries()) {
    const refuse = (reason: string) => new HttpError(400, 'invalid_tree', `${field}[${index}]: ${reason}`);
    if (known.has(message.id)) throw refuse(`the id '${message.id}' comes twice.`);
    const parent = message.parentId === null ? null : known.get(message.parentId);
    if (parent === undefined) throw refuse(`its parent '${message.parentId}' does not come before it.`);
    if ((parent?.role ?? 'assistant') === message.role) {
      throw refuse('questions follow answers or nothing, and answers follow questions.');
    }
    known.set(message.id, {
      id: uuidv7(),
      conversation_id: conversationId,
      parent_id: parent?.id ?? null,
      role: message.role,
      content: storableText(message.content),
      // The tokens of an answer are not in the file, so it cannot be continued: what there is of it is all.
      status: message.status === 'error' ? 'error' : 'stop',
      model_name: message.model,
      weights_hash: null,
      dropped_turns: 0,
      created_at: message.createdAt,
      updated_at: message.createdAt,
    });
  }
  return [...known.values()];
}
