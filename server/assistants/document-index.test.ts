import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Db, OpenDatabase } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';
import { openTestDatabase } from '../testing/test-database.ts';
import { createAssistant } from './assistants.ts';
import { indexDocument, searchPassages } from './document-index.ts';
import { retrievalDocuments, retrievalQuestions } from './retrieval-set.ts';

let home: string;
let database: OpenDatabase;
let db: Db;
let owner: string;
let assistantId: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'parley-index-'));
  database = await openTestDatabase(home);
  db = database.db;
  owner = uuidv7();
  await db.insertInto('users').values({ id: owner, name: 'owner', created_at: Date.now() }).execute();
  assistantId = await newAssistant();
});

afterEach(async () => {
  await database.close();
  rmSync(home, { recursive: true });
});

async function newAssistant(): Promise<string> {
  const request = { name: 'Test', instructions: '', exampleQuestions: [], model: null, visibility: 'private' } as const;
  return (await createAssistant(db, owner, { ...request, exampleQuestions: [] })).id;
}

async function addDocument(name: string, text: string, assistant = assistantId): Promise<string> {
  const id = uuidv7();
  await db
    .insertInto('documents')
    .values({ id, assistant_id: assistant, name, text, state: 'ready', failure: null, created_at: Date.now() })
    .execute();
  await indexDocument(db, id);
  return id;
}

test('scores are those that one computes by hand', async () => {
  await addDocument('a', 'red fox red');
  await addDocument('b', 'blue fox');
  await addDocument('c', 'green bird sings loud');
  // N = 3 and a mean length of 3; red stands in one passage, ln(1 + 2.5 / 1.5), fox in two, ln(1 + 1.5 / 2.5).
  const red = Math.log(1 + 2.5 / 1.5);
  const fox = Math.log(1 + 1.5 / 2.5);
  const found = await searchPassages(db, assistantId, 'Red fox?', 10);
  expect(found.map(({ text }) => text)).toEqual(['red fox red', 'blue fox']);
  expect(found[0]!.score).toBeCloseTo(red * ((2 * 2.2) / (2 + 1.2)) + fox, 10);
  expect(found[1]!.score).toBeCloseTo(fox * (2.2 / (1 + 1.2 * (0.25 + (0.75 * 2) / 3))), 10);
  expect(found[0]!.score).toBeCloseTo(1.818644, 5);
});

test('Chinese is found by what it says, without a space anywhere', async () => {
  await addDocument('说明', '保修期为两年。\n\n电池可以使用九个小时。');
  const [first] = await searchPassages(db, assistantId, '保修多久？', 3);
  expect(first!.text).toContain('保修期为两年');
  expect(await searchPassages(db, assistantId, '天气', 3)).toEqual([]);
});

test('a passage is where its offsets say, also between characters of two units', async () => {
  const text = '🦊🦊 一。\n\n第二段：狐狸🦊在睡觉。';
  await addDocument('fox', text);
  const [found] = await searchPassages(db, assistantId, '狐狸睡觉', 1);
  expect(text.slice(found!.start, found!.end)).toBe(found!.text);
});

test('documents of other assistants, and those that are not read yet, are not searched', async () => {
  await addDocument('other', 'a secret treasure', await newAssistant());
  const half = await addDocument('half', 'a hidden treasure');
  await db.updateTable('documents').set({ state: 'reading' }).where('id', '=', half).execute();
  expect(await searchPassages(db, assistantId, 'treasure', 5)).toEqual([]);
});

test('reading a document again gives the same index, and deleting it leaves nothing', async () => {
  const id = await addDocument('twice', retrievalDocuments[0]!.text);
  const before = await searchPassages(db, assistantId, 'battery hours', 5);
  await indexDocument(db, id);
  expect(await searchPassages(db, assistantId, 'battery hours', 5)).toEqual(before);
  await db.deleteFrom('documents').where('id', '=', id).execute();
  expect(await db.selectFrom('document_terms').selectAll().execute()).toEqual([]);
});

test('the right passage is among the first three far more often than by looking for the words as they stand', async () => {
  for (const { name, text } of retrievalDocuments) await addDocument(name, text);
  const passages = await db
    .selectFrom('passages')
    .innerJoin('documents', 'documents.id', 'document_id')
    .select(['text', 'start_offset', 'end_offset'])
    .execute();
  const texts = passages.map(({ text, start_offset, end_offset }) => text.slice(start_offset, end_offset));

  let [first, three, substring] = [0, 0, 0];
  for (const { question, answer } of retrievalQuestions) {
    const found = (await searchPassages(db, assistantId, question, 3)).map(({ text }) => text.includes(answer));
    if (found[0]) first++;
    if (found.includes(true)) three++;
    if (bySubstring(texts, question, 3).some((text) => text.includes(answer))) substring++;
  }
  // Of 32 questions: 30 first, 32 among the first three; by substring 17.
  expect({ first, three, substring }).toEqual({ first: 30, three: retrievalQuestions.length, substring: 17 });
});

/** The baseline: how many of the question's words, as typed, the passage holds. */
function bySubstring(texts: readonly string[], question: string, limit: number): string[] {
  const words = question.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const score = (text: string) => words.filter((word) => text.toLowerCase().includes(word)).length;
  return [...texts].sort((one, other) => score(other) - score(one)).slice(0, limit);
}
