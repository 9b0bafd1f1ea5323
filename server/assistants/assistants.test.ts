import type { Assistant, AssistantDocument, Citation, Conversation, Excerpt } from '@parley/contracts';
import { loadModel } from '@parley/lm/checkpoint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unpackTokens } from '../db/schema.ts';
import { openTestDatabase, stored } from '../testing/test-database.ts';
import { collect, newHome, startTestServer, type TestServer, tinyModel, until } from '../testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

const short = { maxTokens: 4 };
const handbook = '# 保修\n\n灯的保修期为三年，电池除外。\n\n# Returns\n\nLamps can be returned within 30 days.\n';

function newAssistant(fields: object = {}, as = server): Promise<Assistant> {
  return as.json('/api/assistants', { body: { name: 'Lamps', ...fields } });
}

function documentsOf(assistant: Assistant, as = server): Promise<AssistantDocument[]> {
  return as
    .json<{ documents: AssistantDocument[] }>(`/api/assistants/${assistant.id}/documents`)
    .then(({ documents }) => documents);
}

async function addDocument(assistant: Assistant, name = 'handbook.md', text = handbook): Promise<AssistantDocument> {
  const { id } = await server.json<AssistantDocument>(`/api/assistants/${assistant.id}/documents`, {
    body: { name, text },
  });
  const find = async () => (await documentsOf(assistant)).find((document) => document.id === id)!;
  await until(async () => (await find()).state !== 'reading');
  return find();
}

function startChat(assistant: Assistant, as = server): Promise<Conversation> {
  return as.json(`/api/assistants/${assistant.id}/conversations`, { method: 'POST' });
}

function citationsOf(conversation: Conversation): Promise<Citation[]> {
  return server
    .json<{ citations: Citation[] }>(`/api/conversations/${conversation.id}/citations`)
    .then(({ citations }) => citations);
}

test('an assistant is made, changed, listed and deleted', async () => {
  const made = await newAssistant({ exampleQuestions: ['保修多久？'], instructions: 'Be brief.' });
  expect(made).toMatchObject({ own: true, model: null, visibility: 'private', documents: 0 });
  const changed = await server.json<Assistant>(`/api/assistants/${made.id}`, {
    method: 'PUT',
    body: { name: '灯', instructions: '' },
  });
  expect(changed).toMatchObject({ id: made.id, name: '灯', instructions: '', exampleQuestions: [] });
  expect((await server.json<{ assistants: Assistant[] }>('/api/assistants')).assistants[0]).toEqual(changed);
  expect((await server.fetch(`/api/assistants/${made.id}`, { method: 'DELETE' })).status).toBe(204);
  expect((await server.fetch(`/api/assistants/${made.id}`)).status).toBe(404);
});

test('others see what is shared and nothing else, and change none of it', async () => {
  const other = await server.person('Other');
  const hidden = await newAssistant();
  const shared = await newAssistant({ visibility: 'installation' });
  const document = await addDocument(shared);
  const secret = await addDocument(hidden);
  const list = (await other.json<{ assistants: Assistant[] }>('/api/assistants')).assistants;
  expect(list.map(({ id, own }) => [id, own])).toEqual([[shared.id, false]]);
  expect(await documentsOf(shared, other)).toHaveLength(1);

  const status = async (path: string, init = {}) => (await other.fetch(path, init)).status;
  expect(await status(`/api/assistants/${hidden.id}`)).toBe(404);
  expect(await status(`/api/assistants/${hidden.id}/documents`)).toBe(404);
  expect(await status(`/api/assistants/${hidden.id}/conversations`, { method: 'POST' })).toBe(404);
  expect(await status(`/api/documents/${secret.id}/excerpt?start=0&end=1`)).toBe(404);
  expect(await status(`/api/documents/${secret.id}`, { method: 'DELETE' })).toBe(404);
  expect(await status(`/api/assistants/${shared.id}`, { method: 'PUT', body: { name: 'Mine' } })).toBe(403);
  expect(await status(`/api/assistants/${shared.id}`, { method: 'DELETE' })).toBe(403);
  expect(await status(`/api/assistants/${shared.id}/documents`, { body: { name: 'a', text: 'b' } })).toBe(403);
  expect(await status(`/api/documents/${document.id}`, { method: 'DELETE' })).toBe(403);
});

test('an answer is given its instructions and the passages that fit the question, and says which', async () => {
  const assistant = await newAssistant({ instructions: 'You sell lamps.' });
  const document = await addDocument(assistant);
  const conversation = await startChat(assistant);
  expect(conversation.assistantId).toBe(assistant.id);
  await collect(server.ask(conversation, { content: '保修期有多长？', sampling: short }));

  const [first] = await citationsOf(conversation);
  expect(first).toMatchObject({ number: 1, documentId: document.id, documentName: 'handbook.md' });
  expect(first!.text).toContain('灯的保修期为三年');
  const range = `start=${first!.start}&end=${first!.end}`;
  const excerpt = await server.json<Excerpt>(`/api/documents/${document.id}/excerpt?${range}`);
  expect(excerpt.before + excerpt.passage + excerpt.after).toBe(handbook);
  expect(excerpt.passage).toBe(first!.text);

  const prompt = await promptOf(server, first!.messageId);
  expect(prompt).toContain('You sell lamps.\n根据以下资料回答，用[1]这样的编号注明出处：\n[1] # 保修');
  expect(prompt.indexOf('三年')).toBeLessThan(prompt.indexOf('有多长'));

  const answer = (await server.messages(conversation)).at(-1)!;
  await collect(server.events(`/api/messages/${answer.id}/continue`, { body: { sampling: short } }));
  expect(await citationsOf(conversation)).toHaveLength(1);
});

test('an uploaded file becomes a document once it is read', async () => {
  const assistant = await newAssistant();
  const uploaded = await fetch(`${server.url}/api/files?name=${encodeURIComponent('手册.md')}`, {
    method: 'PUT',
    headers: { cookie: await server.cookie(), 'content-type': 'application/octet-stream' },
    body: handbook,
  });
  const { id: fileId } = (await uploaded.json()) as { id: string };
  const path = `/api/assistants/${assistant.id}/documents`;
  await until(async () => (await server.fetch(path, { body: { fileId } })).status === 201);
  const [document] = await documentsOf(assistant);
  expect(document).toMatchObject({ name: '手册.md', characters: handbook.trim().length });
  const other = await server.person('Stranger');
  const foreign = await newAssistant({}, other);
  expect((await other.fetch(`/api/assistants/${foreign.id}/documents`, { body: { fileId } })).status).toBe(404);
});

test('what an answer was given stays when the document goes', async () => {
  const assistant = await newAssistant();
  const document = await addDocument(assistant);
  const conversation = await startChat(assistant);
  await collect(server.ask(conversation, { content: 'When can lamps be returned?', sampling: short }));
  await server.fetch(`/api/documents/${document.id}`, { method: 'DELETE' });
  const [kept] = await citationsOf(conversation);
  expect(kept).toMatchObject({ documentId: null, documentName: 'handbook.md' });
  expect(kept!.text).toContain('within 30 days');
});

test('a withdrawn assistant does not answer others any more, and a deleted one leaves its conversations', async () => {
  const other = await server.person('Guest');
  const assistant = await newAssistant({ visibility: 'installation' });
  const conversation = await startChat(assistant, other);
  await server.json(`/api/assistants/${assistant.id}`, { method: 'PUT', body: { name: 'Lamps' } });
  const asked = await other.fetch(`/api/conversations/${conversation.id}/messages`, { body: { content: 'Hello' } });
  expect(asked.status).toBe(409);
  await server.fetch(`/api/assistants/${assistant.id}`, { method: 'DELETE' });
  await collect(other.ask(conversation, { content: 'Hello again', sampling: short }));
  expect(await other.messages(conversation)).toHaveLength(2);
});

test('a document with nothing to read is refused, and one that a stop left unread is read after the start', async () => {
  const home = newHome();
  const before = await startTestServer({ home });
  const assistant = await newAssistant({}, before);
  const path = `/api/assistants/${assistant.id}/documents`;
  expect((await before.fetch(path, { body: { name: 'a.txt', text: '… \n' } })).status).toBe(422);
  expect((await before.fetch(path, { body: { name: '', text: 'a' } })).status).toBe(400);
  const { id } = await before.json<AssistantDocument>(path, { body: { name: 'a.txt', text: handbook } });
  await before.close();
  const database = await openTestDatabase(home);
  await database.db.updateTable('documents').set({ state: 'reading' }).where('id', '=', id).execute();
  await database.close();

  const after = await startTestServer({ home });
  await until(async () => (await documentsOf(assistant, after))[0]?.state === 'ready');
  await after.close();
});

async function promptOf(server: TestServer, messageId: string): Promise<string> {
  const { tokenizer } = loadModel(tinyModel());
  const { prompt_tokens } = await stored(server.home, (db) =>
    db
      .selectFrom('generations')
      .select('prompt_tokens')
      .where('message_id', '=', messageId)
      .orderBy('id')
      .executeTakeFirstOrThrow(),
  );
  return tokenizer.decode(unpackTokens(prompt_tokens!));
}
