/** Finding, pinning, sharing, exporting and importing conversations, on a real server. */
import {
  type Conversation,
  type ConversationExport,
  conversationExportSchema,
  type Message,
  type SearchResult,
  type Share,
  type SharedConversation,
  searchResultSchema,
  sharedConversationSchema,
  shareSchema,
} from '@parley/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer, takeText } from '../testing/test-server.ts';
import { tinyModelContext } from '../testing/tiny-model.ts';
import { snippetOf } from './search.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const short = { maxTokens: 12, seed: 3 };

async function talk(...questions: string[]): Promise<{ conversation: Conversation; messages: Message[] }> {
  const conversation = await server.newConversation();
  for (const content of questions) await collect(server.ask(conversation, { content, sampling: short }));
  return { conversation, messages: await server.messages(conversation) };
}

const search = async (query: string): Promise<SearchResult[]> =>
  (await server.json<{ results: SearchResult[] }>(`/api/search?q=${encodeURIComponent(query)}`)).results;

function exportOf(messages: ConversationExport['conversations'][0]['messages']): ConversationExport {
  const times = { createdAt: 1, updatedAt: 2 };
  return {
    format: 'parley.conversations',
    version: 1,
    exportedAt: 3,
    conversations: [{ title: 'T', pinned: true, ...times, messages }],
  };
}
const message = (id: string, parentId: string | null, role: Message['role'], content = id) => ({
  ...{ id, parentId, role, content, createdAt: 5, status: 'stop' as const, model: null },
});

describe('search', () => {
  test.each([
    ['a word', 'Please explain the Zeppelin to me', 'zeppelin'],
    ['a part of a word', 'Antidisestablishmentarianism!', 'establishment'],
    ['a Chinese word of two characters', '请问齐柏林飞艇是什么？', '飞艇'],
    ['one character', '请写一首关于鲲鹏的诗', '鹏'],
    ['a longer Chinese phrase', '昨天在博物馆看到了青铜器展览', '看到了青铜器'],
    ['several words in any order', 'The marmot whistles at dawn', 'dawn marmot'],
    ['characters that mean something to LIKE', 'A discount of 55% off_now!', '5% off_n'],
    ['a quotation mark', 'He said "xylograph" twice', '"xylograph"'],
    ['a short term with a long one', '鲸鱼 sonar experiments', '鱼 sonar'],
  ])('finds %s', async (_what, content, query) => {
    const { conversation, messages } = await talk(content);
    const results = await search(query);
    for (const result of results) searchResultSchema.parse(result);
    expect(results.find(({ messageId }) => messageId === messages[0]!.id)).toMatchObject({
      conversationId: conversation.id,
      role: 'user',
    });
    const marked = results[0]!.snippet.filter(({ found }) => found).map(({ text }) => text.toLowerCase());
    expect(marked.length).toBeGreaterThan(0);
    for (const text of marked) expect(query.toLowerCase()).toContain(text);
  });

  test('does not find what has only one of the words, nothing, or what was deleted', async () => {
    const { conversation } = await talk('A quokka alone');
    expect(await search('quokka zebra')).toEqual([]);
    expect(await search('nowhere-to-be-found')).toEqual([]);
    expect(await search('quokka')).not.toEqual([]);
    await server.fetch(`/api/conversations/${conversation.id}`, { method: 'DELETE' });
    expect(await search('quokka')).toEqual([]);
  });

  test('finds answers once they are complete, and titles', async () => {
    const { conversation, messages } = await talk('Recite');
    const piece = messages[1]!.content.trim().slice(0, 8);
    expect((await search(piece)).map(({ messageId }) => messageId)).toContain(messages[1]!.id);
    await server.json(`/api/conversations/${conversation.id}`, {
      method: 'PATCH',
      body: { title: 'Über Gürteltiere' },
    });
    expect(await search('Gürtel')).toMatchObject([{ conversationId: conversation.id, messageId: null }]);
  });

  test('needs words, and not too many', async () => {
    for (const query of ['', '%20', 'x'.repeat(201)]) {
      expect((await server.fetch(`/api/search?q=${query}`)).status).toBe(400);
    }
    expect((await server.fetch('/api/search')).status).toBe(400);
    expect(await search(`' OR 1=1 -- " ) MATCH NEAR(`)).toEqual([]);
  });

  test('snippets begin and end between characters', () => {
    const text = `${'🙂'.repeat(300)}needle${'🙂'.repeat(300)}`;
    const snippet = snippetOf(text, ['needle']);
    expect(snippet.map(({ text }) => text).join('')).toMatch(/^…🙂+needle🙂+…$/u);
    expect(snippet.map(({ found }) => found)).toEqual([false, true, false]);
    expect(snippetOf('short', ['missing'])).toEqual([{ text: 'short', found: false }]);
  });
});

test('a conversation is pinned and let go again', async () => {
  const { conversation } = await talk('Pin me');
  const path = `/api/conversations/${conversation.id}`;
  expect(conversation.pinned).toBe(false);
  expect(await server.json(path, { method: 'PATCH', body: { pinned: true } })).toMatchObject({
    pinned: true,
    title: 'Pin me',
  });
  expect(await server.json(path, { method: 'PATCH', body: { title: 'Pinned' } })).toMatchObject({ pinned: true });
  expect(await server.json(path, { method: 'PATCH', body: { pinned: false } })).toMatchObject({ pinned: false });
  expect((await server.fetch(path, { method: 'PATCH', body: {} })).status).toBe(400);
});

describe('sharing', () => {
  const shareOf = (conversation: Conversation, leafId: string) =>
    server.fetch(`/api/conversations/${conversation.id}/shares`, { body: { leafId } });
  /** Without the cookies and headers of anybody. */
  const open = (token: string) => fetch(`${server.url}/api/shared/${token}`);

  test('a link shows the branch as it was, to anybody, until it is revoked', async () => {
    const { conversation, messages } = await talk('One', 'Two');
    const [, answer] = messages;
    await collect(server.ask(conversation, { content: 'Two, edited', parentId: answer!.id, sampling: short }));
    const response = await shareOf(conversation, messages[3]!.id);
    expect(response.status).toBe(201);
    const share = shareSchema.parse(await response.json());
    expect(share.token).toMatch(/^[\w-]{32}$/);
    await server.json(`/api/conversations/${conversation.id}`, { method: 'PATCH', body: { title: 'Later title' } });

    const shown = await open(share.token);
    expect(shown.headers.get('x-robots-tag')).toBe('noindex');
    const shared = sharedConversationSchema.parse(await shown.json());
    expect(shared.title).toBe('One');
    expect(shared.messages.map(({ content }) => content)).toEqual(messages.map(({ content }) => content));
    expect(Object.keys(shared.messages[0]!).sort()).toEqual(['content', 'createdAt', 'id', 'model', 'role']);

    const { shares } = await server.json<{ shares: Share[] }>(`/api/conversations/${conversation.id}/shares`);
    expect(shares).toEqual([share]);
    expect((await server.fetch(`/api/shares/${share.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await open(share.token)).status).toBe(404);
    expect((await server.fetch(`/api/shares/${share.id}`, { method: 'DELETE' })).status).toBe(404);
  });

  test('a link dies with its conversation; other tokens show nothing', async () => {
    const { conversation, messages } = await talk('Gone soon');
    const { token } = (await (await shareOf(conversation, messages[1]!.id)).json()) as Share;
    expect(((await (await open(token)).json()) as SharedConversation).messages).toHaveLength(2);
    await server.fetch(`/api/conversations/${conversation.id}`, { method: 'DELETE' });
    for (const wrong of [token, token.toUpperCase(), '%', "'%20OR%201=1", 'x'.repeat(99)]) {
      expect((await open(wrong)).status).toBeGreaterThanOrEqual(400);
      expect((await open(wrong)).status).toBeLessThan(500);
    }
  });

  test('another conversation’s message and a running answer are not shared', async () => {
    const [one, other] = [await talk('One'), await talk('Other')];
    expect((await shareOf(one.conversation, other.messages[1]!.id)).status).toBe(404);
    expect((await shareOf(one.conversation, 'nothing')).status).toBe(404);
    const events = server.ask(one.conversation, { content: 'Recite', sampling: { maxTokens: tinyModelContext } });
    const { answer } = (await takeText(events, 5))[0] as { answer: Message };
    expect((await shareOf(one.conversation, answer.id)).status).toBe(409);
    await server.fetch(`/api/messages/${answer.id}/stop`, { method: 'POST' });
    await collect(events);
  });
});

describe('export and import', () => {
  test('what was exported comes back as a copy: tree, times, titles and pins', async () => {
    const { conversation, messages } = await talk('Remember this 记住', 'And this');
    await collect(server.ask(conversation, { content: 'Edited', parentId: messages[1]!.id, sampling: short }));
    await server.json(`/api/conversations/${conversation.id}`, { method: 'PATCH', body: { pinned: true } });
    await server.json(`/api/messages/${messages[1]!.id}/feedback`, { method: 'PUT', body: { thumb: 'up' } });

    const response = await server.fetch(`/api/conversations/${conversation.id}/export`);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="parley-[\d-]+\.json"$/);
    const file = conversationExportSchema.parse(await response.json());
    expect(file.conversations[0]!.messages[1]!.feedback).toMatchObject({ thumb: 'up' });
    const imported = await server.json<{ conversations: Conversation[] }>('/api/import', { body: file });
    const [copy] = imported.conversations;
    expect(copy).toMatchObject({ title: 'Remember this 记住', pinned: true });
    expect(copy!.id).not.toBe(conversation.id);

    const places = (tree: Message[]) =>
      tree.map(({ role, content, parentId }) => [role, content, tree.findIndex(({ id }) => id === parentId)]);
    const copied = await server.messages(copy!);
    expect(places(copied)).toEqual(places(await server.messages(conversation)));
    expect(copied.every(({ feedback }) => feedback === null)).toBe(true);

    // The copy is a conversation like any other: one can go on in it.
    const events = await collect(server.ask(copy!, { content: 'More', sampling: short }));
    expect(events.at(-1)).toMatchObject({ type: 'done' });
    const all = conversationExportSchema.parse(await server.json('/api/export'));
    expect(all.conversations.length).toBeGreaterThanOrEqual(2);
  });

  test('an imported answer is complete, whatever became of it where it was written', async () => {
    const cut = { ...message('a', 'q', 'assistant', 'half a sent'), status: 'interrupted' as const };
    const file = exportOf([message('q', null, 'user'), cut]);
    const [copy] = (await server.json<{ conversations: Conversation[] }>('/api/import', { body: file })).conversations;
    const [, answer] = await server.messages(copy!);
    expect(answer).toMatchObject({ content: 'half a sent', status: 'stop' });
    expect((await server.fetch(`/api/messages/${answer!.id}/continue`, { body: {} })).status).toBe(409);
  });

  test.each<[string, unknown]>([
    ['a cycle', exportOf([message('a', 'b', 'user'), message('b', 'a', 'assistant')])],
    ['a missing parent', exportOf([message('a', 'gone', 'user')])],
    ['an id that comes twice', exportOf([message('a', null, 'user'), message('a', null, 'user')])],
    ['an answer to nothing', exportOf([message('a', null, 'assistant')])],
    ['a question to a question', exportOf([message('a', null, 'user'), message('b', 'a', 'user')])],
    ['another format', { ...exportOf([]), format: 'somebody.else' }],
    ['a later version', { ...exportOf([]), version: 2 }],
    ['a time that is none', exportOf([{ ...message('a', null, 'user'), createdAt: 1e300 }])],
    ['a text that is none', exportOf([{ ...message('a', null, 'user'), content: 7 as unknown as string }])],
    ['nothing', {}],
  ])('%s is refused, and nothing is stored', async (_what, body) => {
    const before = await server.json<{ conversations: Conversation[] }>('/api/conversations');
    const response = await server.fetch('/api/import', { body });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { message: string } }).error.message).not.toBe('');
    expect(await server.json('/api/conversations')).toEqual(before);
  });
});
