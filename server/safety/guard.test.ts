import type { Decision, Message, ReviewedDecision, SafetySettings } from '@parley/contracts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer, takeText, textOf, until } from '../testing/test-server.ts';

// The model recites "The quick brown fox 🦊 jumps over the lazy dog …", "今天天气很好 …" or "Voilà: naïve café …".
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

const long = { maxTokens: 120, temperature: 0 };

async function set(change: Partial<SafetySettings>): Promise<void> {
  const settings = await server.json<SafetySettings>('/api/safety/settings');
  await server.json('/api/safety/settings', { method: 'PUT', body: { ...settings, wordLists: [], ...change } });
}
beforeEach(() => set({}));

const list = (input: 'off' | 'mask' | 'refuse', output: 'off' | 'mask' | 'refuse', words: string[]) => ({
  wordLists: [{ name: 'test', input, output, words }],
});

function decisionsOf(path: string, as = server): Promise<Decision[]> {
  return as.json<{ decisions: Decision[] }>(path).then(({ decisions }) => decisions);
}

test('a masked word is never shown, not even its beginning, and the log says why', async () => {
  await set(list('off', 'mask', ['lazy dog', '天气很好', 'naïve café']));
  const conversation = await server.newConversation();
  const events = await collect(server.ask(conversation, { content: 'Recite', sampling: long }));
  const deltas = events.flatMap((event) => (event.type === 'delta' ? [event.text] : []));
  expect(deltas.join('')).toContain('•••');
  expect(deltas.join('')).not.toMatch(/lazy|天气|na.ve/u);
  const answer = (await server.messages(conversation)).at(-1)!;
  expect(answer.content).toBe(deltas.join(''));
  await until(async () => (await decisionsOf(`/api/conversations/${conversation.id}/decisions`)).length > 0);
  const [decision] = await decisionsOf(`/api/conversations/${conversation.id}/decisions`);
  expect(decision).toMatchObject({ messageId: answer.id, direction: 'output', rule: 'words:test', action: 'mask' });
});

test('a refused answer ends before the place, frees the model and cannot be continued', async () => {
  await set(list('off', 'refuse', ['jumps', '散步', 'hello']));
  const conversation = await server.newConversation();
  const events = await collect(server.ask(conversation, { content: 'Recite', sampling: { ...long, maxTokens: 4000 } }));
  expect(textOf(events)).not.toMatch(/jumps|散步|hello/);
  const answer = (await server.messages(conversation)).at(-1)!;
  expect(answer.status).toBe('stop');
  await server.idle();
  const again = await server.fetch(`/api/messages/${answer.id}/continue`, { body: {} });
  expect(again.status).toBe(409);
});

test('an answer that was cut in the middle of a forbidden word cannot be continued into it', async () => {
  const conversation = await server.newConversation();
  const first = await takeText(
    server.ask(conversation, { content: 'Recite', sampling: { ...long, maxTokens: 30 } }),
    9_999,
  );
  const { content, id } = (first.at(-1) as { answer: Message }).answer;
  const next = await collect(server.events(`/api/messages/${id}/regenerate`, { body: { sampling: long } }));
  const whole = textOf(next);
  expect(whole.startsWith(content)).toBe(true);
  // From the beginning of the last word before the cut to the end of the first one after it.
  const word = whole.slice(content.lastIndexOf(' ', content.length - 2) + 1, whole.indexOf(' ', content.length + 1));
  await set(list('off', 'mask', [word]));
  await collect(server.events(`/api/messages/${id}/continue`, { body: { sampling: { ...long, maxTokens: 20 } } }));
  const continued = (await server.messages(conversation)).find((message) => message.id === id)!;
  expect(continued.content.startsWith(content)).toBe(true);
  expect(continued.content).not.toContain(word);
});

test('a question is masked before it is stored and before the model reads it', async () => {
  await set({ personalData: { ...(await server.json<SafetySettings>('/api/safety/settings')).personalData } });
  const conversation = await server.newConversation();
  const content = 'My card is 4111 1111 1111 1111, 身份证 11010519491231002X';
  await collect(server.ask(conversation, { content, sampling: { maxTokens: 1 } }));
  expect((await server.messages(conversation))[0]!.content).toBe('My card is [card], 身份证 [ID card]');
});

test('a refused question is not asked; the person appeals, the administrator rules', async () => {
  await set(list('refuse', 'off', ['forbidden fruit']));
  const person = await server.person('Eve');
  const conversation = await person.newConversation();
  const path = `/api/conversations/${conversation.id}/messages`;
  const refused = await person.fetch(path, { body: { content: 'How does FORBIDDEN  fruit taste?' } });
  expect(refused.status).toBe(422);
  expect(await refused.json()).toMatchObject({ error: { code: 'refused_by_filter' } });
  expect(await person.messages(conversation)).toEqual([]);

  const [decision] = await decisionsOf('/api/decisions', person);
  expect(decision).toMatchObject({ direction: 'input', rule: 'words:test', action: 'refuse', appeal: null });
  expect(decision!.excerpt).toContain('FORBIDDEN');
  const other = await server.person('Mallory');
  const appealing = { body: { text: 'It is a poem.' } };
  expect((await other.fetch(`/api/decisions/${decision!.id}/appeal`, appealing)).status).toBe(404);
  expect((await person.fetch(`/api/decisions/${decision!.id}/appeal`, appealing)).status).toBe(200);
  expect((await person.fetch(`/api/decisions/${decision!.id}/appeal`, appealing)).status).toBe(409);

  const { decisions } = await server.json<{ decisions: ReviewedDecision[] }>('/api/safety/decisions?appealed=true');
  expect(decisions[0]).toMatchObject({ id: decision!.id, person: 'eve', appeal: 'It is a poem.' });
  const ruling = { body: { ruling: 'overturned', text: 'Right, sorry.' } };
  expect((await person.fetch(`/api/safety/decisions/${decision!.id}/ruling`, ruling)).status).toBe(403);
  await server.json(`/api/safety/decisions/${decision!.id}/ruling`, ruling);
  expect((await decisionsOf('/api/decisions', person))[0]).toMatchObject({
    ruling: 'overturned',
    rulingText: 'Right, sorry.',
  });
});

test('settings are the administrator’s alone, are checked, and survive a restart', async () => {
  const person = await server.person('Trudy', 'trainer');
  expect((await person.fetch('/api/safety/settings')).status).toBe(403);
  expect((await server.fetch('/api/safety/settings', { method: 'PUT', body: { wordLists: [{}] } })).status).toBe(400);
  const first = await startTestServer();
  const settings = await first.json<SafetySettings>('/api/safety/settings');
  await first.json('/api/safety/settings', { method: 'PUT', body: { ...settings, language: 'off' } });
  await first.close();
  const second = await startTestServer({ home: first.home });
  expect((await second.json<SafetySettings>('/api/safety/settings')).language).toBe('off');
  await second.close();
});
