import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAssistant } from '../assistants/assistants.ts';
import { indexDocument } from '../assistants/document-index.ts';
import { createConversation } from '../chat/conversations.ts';
import type { Db, OpenDatabase } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';
import { attachFiles } from '../files/message-files.ts';
import { openTestDatabase } from '../testing/test-database.ts';
import { verifyAnswer } from './verify.ts';

let home: string;
let database: OpenDatabase;
let db: Db;
const owner = uuidv7();

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'parley-verify-'));
  database = await openTestDatabase(home);
  db = database.db;
  await db.insertInto('users').values({ id: owner, name: 'owner', created_at: 0 }).execute();
});
afterAll(async () => {
  await database.close();
  rmSync(home, { recursive: true });
});

const text = '# 保修\n\n灯的保修期为三年，电池除外。\n\n# Returns\n\nLamps can be returned within 30 days.\n';

async function answerOf(assistantId: string | null, content: string, role: 'user' | 'assistant' = 'assistant') {
  const { id: conversation_id } = await createConversation(db, owner, assistantId);
  const id = uuidv7();
  await db
    .insertInto('messages')
    .values({
      ...{ id, conversation_id, parent_id: null, role, content, status: 'stop', model_name: null, weights_hash: null },
      ...{ dropped_turns: 0, created_at: 0, updated_at: 0 },
    })
    .execute();
  return id;
}

test('each claim is given its verdict and the passage that it rests on', async () => {
  const { id: assistant } = await createAssistant(db, owner, {
    ...{ name: 'Lamps', instructions: '', exampleQuestions: [], model: null, visibility: 'private' },
  });
  const answer = await answerOf(assistant, 'Lamps can be returned within 30 days. [1] 灯的保修期为五年。\n\nHello!');
  await expect(verifyAnswer(db, owner, answer)).rejects.toThrow('no documents');

  const documentId = uuidv7();
  await db
    .insertInto('documents')
    .values({
      id: documentId,
      assistant_id: assistant,
      name: 'h.md',
      text,
      state: 'ready',
      failure: null,
      created_at: 0,
    })
    .execute();
  await indexDocument(db, documentId);
  const claims = await verifyAnswer(db, owner, answer);
  expect(claims.map((claim) => [claim.text, claim.verdict])).toEqual([
    ['Lamps can be returned within 30 days.', 'supported'],
    ['灯的保修期为五年。', 'numbers'],
    ['Hello!', 'none'],
  ]);
  const { passage } = claims[0]!;
  expect(passage).toMatchObject({ documentId, documentName: 'h.md' });
  expect(text.slice(passage!.start, passage!.end)).toBe(passage!.text);
  expect(passage!.text).toContain('within 30 days');
});

test('without an assistant, the files of the conversation are compared with', async () => {
  const answer = await answerOf(null, 'Lamps can be returned within 14 days.');
  const fileId = uuidv7();
  await db
    .insertInto('files')
    .values({
      ...{ id: fileId, owner_id: owner, name: 'terms.pdf', bytes: 1, state: 'ready', problem: null, created_at: 0 },
      ...{ characters: text.length, cut: 0, text },
    })
    .execute();
  await attachFiles(db, answer, [{ id: fileId, name: 'terms.pdf', characters: text.length, charactersRead: null }]);
  const [claim] = await verifyAnswer(db, owner, answer);
  expect(claim).toMatchObject({ verdict: 'numbers', passage: { documentId: null, documentName: 'terms.pdf' } });
});

test('only answers, only one’s own, and only where there is something to compare with', async () => {
  await expect(verifyAnswer(db, owner, await answerOf(null, 'Hello there.'))).rejects.toThrow('no documents');
  await expect(verifyAnswer(db, owner, await answerOf(null, 'Hello?', 'user'))).rejects.toThrow('is a question');
  await expect(verifyAnswer(db, uuidv7(), await answerOf(null, 'Hello.'))).rejects.toThrow('There is no message');
});
