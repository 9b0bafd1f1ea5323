/** "Verify" on an answer: its claims beside the documents of its assistant, or the files of its conversation. */
import type { Claim } from '@parley/contracts';
import { assistantOf } from '../assistants/assistants.ts';
import { searchPassages } from '../assistants/document-index.ts';
import { bestPassages, passagesOf } from '../assistants/search-texts.ts';
import { messageOf, pathTo } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { documentsOf } from '../files/message-files.ts';
import { HttpError } from '../http/errors.ts';
import { claimsOf, judgeClaim } from './claims.ts';

const mostClaims = 60;
const passagesPerClaim = 5;

type Passage = NonNullable<Claim['passage']>;
type Search = (claim: string) => Promise<Passage[]>;

/** @throws HttpError 404; 400 for a question; 409 if there are no documents to compare with */
export async function verifyAnswer(db: Db, userId: string, messageId: string): Promise<Claim[]> {
  const message = await messageOf(db, userId, messageId);
  if (message.role !== 'assistant') {
    throw new HttpError(400, 'not_an_answer', `Message ${messageId} is a question; this works on answers.`);
  }
  const search = (await searchAssistant(db, userId, message.conversationId)) ?? (await searchFiles(db, messageId));
  if (!search) {
    throw new HttpError(409, 'nothing_to_compare', 'There are no documents that this answer could be compared with.');
  }
  const claims: Claim[] = [];
  for (const text of claimsOf(message.content).slice(0, mostClaims)) {
    const found = await search(text);
    const { verdict, passage } = judgeClaim(
      text,
      found.map((one) => one.text),
    );
    claims.push({ text, verdict, passage: passage === null ? null : found[passage]! });
  }
  return claims;
}

async function searchAssistant(db: Db, userId: string, conversationId: string): Promise<Search | null> {
  const { assistant_id } = await db
    .selectFrom('conversations')
    .select('assistant_id')
    .where('id', '=', conversationId)
    .executeTakeFirstOrThrow();
  if (assistant_id === null || (await assistantOf(db, userId, assistant_id)).documents === 0) return null;
  return async (claim) => {
    const found = await searchPassages(db, assistant_id, claim, passagesPerClaim);
    return found.map(({ score: _, ...passage }) => passage);
  };
}

/** The files of the questions up to the answer. */
async function searchFiles(db: Db, messageId: string): Promise<Search | null> {
  const path = await pathTo(db, messageId);
  const documents = await documentsOf(
    db,
    path.map(({ id }) => id),
  );
  if (documents.length === 0) return null;
  const passages = passagesOf(documents);
  return async (claim) =>
    bestPassages(passages, claim, passagesPerClaim).map(({ name, start, end, text }) => ({
      ...{ documentId: null, documentName: name },
      ...{ start, end, text },
    }));
}
