import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Assistant, WidgetEvent } from '@parley/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEvents, startTestServer, type TestServer, temporaryFolder, until } from '../testing/test-server.ts';

let server: TestServer;
let assistant: Assistant;

beforeAll(async () => {
  const webFolder = join(temporaryFolder('web'), 'dist');
  mkdirSync(webFolder);
  for (const page of ['index', 'widget']) writeFileSync(join(webFolder, `${page}.html`), `<p>${page}</p>`);
  server = await startTestServer({ webFolder });
  const body = { name: 'Shop', exampleQuestions: ['When?'], instructions: 'You sell lamps.' };
  assistant = await server.json('/api/assistants', { body });
  const document = { name: 'h.md', text: 'Lamps can be returned within 30 days.' };
  await server.json(`/api/assistants/${assistant.id}/documents`, { body: document });
});
afterAll(() => server?.close());

/** Somebody from anywhere, without a session. */
function visit(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
  return fetch(server.url + path, body === undefined ? { headers } : init);
}

const question = { messages: [{ role: 'user', content: 'When can lamps be returned?' }] };
const enable = (enabled: boolean, origins: string[] = []) =>
  server.fetch(`/api/assistants/${assistant.id}/widget`, { method: 'PUT', body: { enabled, origins } });

test('it is off until the owner switches it on, and off again when they switch it off', async () => {
  const paths = [`/widget/${assistant.id}`, `/api/widget/${assistant.id}`];
  for (const path of paths) expect((await visit(path)).status).toBe(404);
  expect((await visit(`/api/widget/${assistant.id}/messages`, question)).status).toBe(404);
  expect((await enable(true)).status).toBe(200);
  for (const path of paths) expect((await visit(path)).status).toBe(200);
  await enable(false);
  for (const path of paths) expect((await visit(path)).status).toBe(404);
});

test('only its owner sees and changes it, and only origins are taken', async () => {
  const other = await server.person('Other');
  expect((await other.fetch(`/api/assistants/${assistant.id}/widget`)).status).toBe(404);
  const bad = [
    'https://a.example/path',
    'ftp://a.example',
    '*',
    "https://a.example; script-src 'unsafe-inline'",
    'https://A.example',
  ];
  for (const origin of bad) expect((await enable(true, [origin])).status, origin).toBe(400);
});

test('the page may stand in the named sites and nowhere else; nothing else about its policy changes', async () => {
  await enable(true, ['https://shop.example.org', 'http://localhost:8080']);
  const framed = await visit(`/widget/${assistant.id}`);
  expect(await framed.text()).toBe('<p>widget</p>');
  const policy = framed.headers.get('content-security-policy')!;
  expect(policy).toContain('frame-ancestors https://shop.example.org http://localhost:8080');
  expect(framed.headers.get('x-frame-options')).toBeNull();
  expect(framed.headers.get('set-cookie')).toBeNull();
  const own = await visit('/', undefined, { accept: 'text/html' });
  expect(own.headers.get('x-frame-options')).toBe('DENY');
  expect(policy.replace(/frame-ancestors .*$/, "frame-ancestors 'none'")).toBe(
    own.headers.get('content-security-policy'),
  );
});

test('a visitor is answered from the documents, and nothing of it is stored', async () => {
  await enable(true);
  const search = async () => {
    const events: WidgetEvent[] = [];
    const response = await visit(`/api/widget/${assistant.id}/messages`, question);
    expect(response.headers.get('set-cookie')).toBeNull();
    for await (const data of readEvents(response)) events.push(JSON.parse(data));
    return events;
  };
  await until(async () => {
    const done = (await search()).at(-1);
    return done?.type === 'done' && done.passages[0]?.text === 'Lamps can be returned within 30 days.';
  });
  expect((await server.json<{ conversations: unknown[] }>('/api/conversations')).conversations).toEqual([]);
});

test('other sites’ scripts, malformed questions and too many of them are refused', async () => {
  await enable(true);
  const path = `/api/widget/${assistant.id}/messages`;
  expect((await visit(path, question, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  for (const body of [{}, { messages: [] }, { messages: [{ role: 'assistant', content: 'a' }] }]) {
    expect((await visit(path, body)).status).toBe(400);
  }
  expect((await visit('/api/widget/none/messages', question)).status).toBe(400);
  let status = 200;
  for (let asked = 0; asked < 70 && status === 200; asked++) {
    const response = await visit(path, question);
    status = response.status;
    await response.body?.cancel();
  }
  expect(status).toBe(429);
  await server.idle();
});
