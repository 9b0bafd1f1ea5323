/** Rows as the server stores them before a model begins to answer, for tests that give the answer themselves. */
import type { Message } from '@parley/contracts';
import { createConversation, messageOf } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { packTokens } from '../db/schema.ts';
import { uuidv7 } from '../db/uuid.ts';

export async function storeOwner(db: Db): Promise<string> {
  const id = uuidv7();
  await db.insertInto('users').values({ id, name: 'owner', created_at: Date.now() }).execute();
  return id;
}

/** A conversation of its own with a question and an answer that is being written. */
export async function storeUnfinishedAnswer(
  db: Db,
  owner: string,
): Promise<{ message: Message; generationId: string }> {
  const conversation = await createConversation(db, owner);
  const [question, answer, generationId] = [uuidv7(), uuidv7(), uuidv7()];
  const now = Date.now();
  const times = { created_at: now, updated_at: now };
  const common = { conversation_id: conversation.id, weights_hash: null, dropped_turns: 0, ...times };
  await db
    .insertInto('messages')
    .values([
      { id: question, parent_id: null, role: 'user', content: 'q', status: 'stop', model_name: null, ...common },
      {
        ...{ id: answer, parent_id: question, role: 'assistant', content: '', status: 'streaming', model_name: 'm' },
        ...common,
      },
    ])
    .execute();
  await db
    .insertInto('generations')
    .values({
      ...{ id: generationId, message_id: answer, model_name: 'm', weights_hash: null, sampling: '{}', seed: 1 },
      ...{ prompt_tokens: null, answer_tokens: packTokens([]), continued_tokens: 0, dropped_turns: 0 },
      ...{ finish_reason: null, created_at: now, finished_at: null },
    })
    .execute();
  return { message: await messageOf(db, owner, answer), generationId };
}
