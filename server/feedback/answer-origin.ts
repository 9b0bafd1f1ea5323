/** Where an answer comes from: what was asked, what the model read, and how it drew. */
import type { ChatMessage, Sampling } from '@parley/contracts';
import { pathTo } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { unpackTokens } from '../db/schema.ts';

export interface Origin {
  model?: { name: string; weightsHash: string };
  sampling?: Sampling;
  promptTokens?: number[];
}

/** The conversation up to what an answer answers. */
export async function promptOf(db: Db, answerParentId: string): Promise<ChatMessage[]> {
  return (await pathTo(db, answerParentId)).map(({ role, content }) => ({ role, content }));
}

/** Of the first generation: what a continued answer was begun with. Empty for an answer without one. */
export async function originOf(db: Db, messageId: string): Promise<Origin> {
  const row = await db
    .selectFrom('generations')
    .select(['model_name', 'weights_hash', 'sampling', 'prompt_tokens'])
    .where('message_id', '=', messageId)
    .orderBy('id')
    .executeTakeFirst();
  if (!row) return {};
  return {
    ...(row.model_name !== null &&
      row.weights_hash !== null && { model: { name: row.model_name, weightsHash: row.weights_hash } }),
    sampling: JSON.parse(row.sampling),
    ...(row.prompt_tokens !== null && { promptTokens: unpackTokens(row.prompt_tokens) }),
  };
}

/** What a line says of where several answers to one prompt come from, in their order. */
export function originsOf(origins: readonly Origin[]) {
  const promptTokens = origins.find((origin) => origin.promptTokens)?.promptTokens;
  return {
    ...(promptTokens && { promptTokens }),
    origins: origins.map(({ model, sampling }) => (model && sampling ? { model, sampling } : null)),
  };
}
