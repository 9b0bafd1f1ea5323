import type { Conversation, DraftPair, Settings } from '@parley/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collect, newHome, startTestServer, type TestServer } from '../testing/test-server.ts';

const sampling = { maxTokens: 8 };
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ draftsEvery: 1 });
});
afterAll(() => server.close());

const ask = (conversation: Conversation, content: string, parentId?: string | null) =>
  collect(server.ask(conversation, { content, sampling, ...(parentId !== undefined && { parentId }) }));
const draftsOf = async ({ id }: Conversation) =>
  (await server.json<{ drafts: DraftPair[] }>(`/api/conversations/${id}/drafts`)).drafts;

test('a second draft has a seed of its own, is a version of the answer, and the choice is kept', async () => {
  const conversation = await server.newConversation();
  await ask(conversation, 'one');
  await server.idle();
  const [pair, ...others] = await draftsOf(conversation);
  expect(others).toEqual([]);
  const messages = await server.messages(conversation);
  const [question, first, second] = messages;
  expect([pair!.left, pair!.right].sort()).toEqual([first!.id, second!.id].sort());
  expect([first!.parentId, second!.parentId]).toEqual([question!.id, question!.id]);
  expect(pair!.choice).toBeNull();

  const chosen = await server.json<DraftPair>(`/api/drafts/${pair!.id}`, { method: 'PUT', body: { choice: 'right' } });
  expect(chosen).toEqual({ ...pair, choice: 'right' });
  expect(await draftsOf(conversation)).toEqual([chosen]);
  const refused = await server.fetch(`/api/drafts/${pair!.id}`, { method: 'PUT', body: { choice: 'both' } });
  expect(refused.status).toBe(400);
  const unknown = await server.fetch(`/api/drafts/${first!.id}`, { method: 'PUT', body: { choice: 'tie' } });
  expect(unknown.status).toBe(404);

  // Not twice in a row, then again; and never where a question was edited.
  await ask(conversation, 'two');
  await server.idle();
  expect(await draftsOf(conversation)).toHaveLength(1);
  await ask(conversation, 'edited', null);
  await server.idle();
  expect(await draftsOf(conversation)).toHaveLength(1);
  await ask(conversation, 'three');
  await server.idle();
  expect(await draftsOf(conversation)).toHaveLength(2);
});

test('which draft stands where is a matter of chance', async () => {
  const sides = new Set<boolean>();
  for (let round = 0; round < 40 && sides.size < 2; round++) {
    const conversation = await server.newConversation();
    await ask(conversation, 'compared or not');
    await ask(conversation, 'the other');
    await server.idle();
    for (const { left, right } of await draftsOf(conversation)) sides.add(left < right);
  }
  expect(sides.size).toBe(2);
});

test('what somebody says about an answer is kept whole; reasons of the other thumb are refused', async () => {
  const conversation = await server.newConversation();
  await ask(conversation, 'judge me');
  const answer = (await server.messages(conversation))[1]!;
  const path = `/api/messages/${answer.id}/feedback`;
  const said = { thumb: 'down', reasons: ['untrue', 'tooLong'], comment: 'no', betterAnswer: '更好' };
  expect(await server.json(path, { method: 'PUT', body: said })).toMatchObject({ messageId: answer.id, ...said });
  const [, stored] = await server.messages(conversation);
  expect(stored!.feedback).toMatchObject(said);

  const misfit = await server.fetch(path, { method: 'PUT', body: { thumb: 'up', reasons: ['untrue'] } });
  expect(misfit.status).toBe(400);
  expect(await server.json(path, { method: 'PUT', body: { thumb: 'up' } })).toMatchObject({
    ...{ thumb: 'up', reasons: [], comment: '', betterAnswer: '' },
  });
});

test('administrators set how often drafts come, and that outlives the server', async () => {
  const home = newHome();
  let other = await startTestServer({ home, draftsEvery: 1 });
  const settings = await other.json<Settings>('/api/administration/settings');
  expect(settings.draftsEvery).toBe(1);
  const body = { ...settings, draftsEvery: 0 };
  await other.json('/api/administration/settings', { method: 'PUT', body });
  const conversation = await other.newConversation();
  await collect(other.ask(conversation, { content: 'one', sampling }));
  await other.idle();
  expect(await other.json(`/api/conversations/${conversation.id}/drafts`)).toEqual({ drafts: [] });
  await other.close();
  other = await startTestServer({ home, draftsEvery: 1 });
  expect(await other.json('/api/administration/settings')).toEqual(body);
  const refused = await other.fetch('/api/administration/settings', { method: 'PUT', body: { draftsEvery: -1 } });
  expect(refused.status).toBe(400);
  await other.close();
});
