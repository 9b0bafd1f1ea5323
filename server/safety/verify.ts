/** "Verify" on an answer: its claims beside the documents of its assistant. */
import type { Claim } from '@parley/contracts';
import { assistantOf } from '../assistants/assistants.ts';
import { type FoundPassage, searchPassages } from '../assistants/document-index.ts';
import { messageOf } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import { claimsOf, judgeClaim } from './claims.ts';

const mostClaims = 60;
const passagesPerClaim = 5;

/** @throws HttpError 404; 400 for a question; 409 if there are no documents to compare with */
export async function verifyAnswer(db: Db, userId: string, messageId: string): Promise<Claim[]> {
  const message = await messageOf(db, userId, messageId);
  if (message.role !== 'assistant') {
    throw new HttpError(400, 'not_an_answer', `Message ${messageId} is a question; this works on answers.`);
  }
  const { assistant_id } = await db
    .selectFrom('conversations')
    .select('assistant_id')
    .where('id', '=', message.conversationId)
    .executeTakeFirstOrThrow();
  if (assistant_id === null || (await assistantOf(db, userId, assistant_id)).documents === 0) {
    throw new HttpError(409, 'nothing_to_compare', 'There are no documents that this answer could be compared with.');
  }
  const claims: Claim[] = [];
  for (const text of claimsOf(message.content).slice(0, mostClaims)) {
    const found = await searchPassages(db, assistant_id, text, passagesPerClaim);
    const { verdict, passage } = judgeClaim(
      text,
      found.map((one) => one.text),
    );
    claims.push({ text, verdict, passage: passage === null ? null : placeOf(found[passage]!) });
  }
  return claims;
}

function placeOf({ score: _, ...place }: FoundPassage): Claim['passage'] {
  return place;
}
