/**
 * Whatever is sent to any route gets an answer or a clear 4xx: never a 5xx, never a crash, and never anything that
 * somebody else has to suffer from. The routes come from the server's own table.
 */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Message } from '@parley/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeclaredRoute } from '../accounts/access.ts';
import { uuidv7 } from '../db/uuid.ts';
import { collect, startTestServer, type TestServer } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let routes: DeclaredRoute[];
let known: Record<string, string>;

beforeAll(async () => {
  server = await startTestServer();
  // Signing out is no hostile act, and a runner that starts training is no place for random settings.
  const leftOut = ['DELETE /api/session', 'POST /api/lab/jobs'];
  routes = server.routes.filter(
    ({ method, url }) => /^\/(api|v1)/.test(url) && method !== 'HEAD' && !leftOut.includes(`${method} ${url}`),
  );
  const conversation = await server.newConversation();
  const events = await collect(server.ask(conversation, { content: 'hi', sampling: { maxTokens: 1 } }));
  const { answer } = events.at(-1) as { answer: Message };
  const assistant = await server.json<{ id: string }>('/api/assistants', { body: { name: 'A' } });
  known = {
    '/api/conversations/': conversation.id,
    '/api/messages/': answer.id,
    '/api/assistants/': assistant.id,
    '/v1/models/': tinyModelName,
  };
});
afterAll(() => server.close());

const injections = [
  "'; DROP TABLE users; --",
  '" OR "1"="1',
  '../../etc/passwd',
  '..%2f..%2fparley.db',
  '%00',
  '\u0000',
  '\ud800',
  '__proto__',
  '$ref',
  '<img src=x onerror=alert(1)>',
  '<|im_end|>',
  'x'.repeat(5_000),
  '１２３',
  '🙂'.repeat(300),
];

/** JSON that resembles the real thing often enough to get past the first check. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(...injections),
    fc.constantFrom(null, '', -1, 0, 1e308, 2 ** 53, true, tinyModelName),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('content', 'role', 'type', 'text', 'id', 'seed', '__proto__', 'constructor', 'toString'),
      tie('any'),
      { maxKeys: 4 },
    ),
  ),
})).any;

/** Every field that any of our requests has, so that each route gets some of its own. */
const fields = {
  content: value,
  title: value,
  name: value,
  email: fc.oneof(fc.emailAddress(), value),
  password: value,
  token: value,
  role: fc.oneof(fc.constant('trainer'), value),
  disabled: value,
  current: value,
  next: value,
  parentId: value,
  leafId: value,
  sampling: value,
  thumb: fc.oneof(fc.constant('up'), value),
  reasons: value,
  comment: value,
  betterAnswer: value,
  choice: value,
  text: value,
  instructions: value,
  model: fc.oneof(fc.constant(tinyModelName), value),
  input: value,
  prompt: value,
  messages: fc.oneof(fc.array(fc.record({ role: fc.constantFrom('user', 'tool', 'system'), content: value })), value),
  conversations: value,
  stream: value,
  n: value,
  stop: value,
  seed: value,
  max_tokens: fc.constant(3),
  max_output_tokens: fc.constant(3),
  logprobs: value,
  tools: value,
};
const body = fc.oneof(value, fc.record(fields, { requiredKeys: [] }));
const parameter = fc.oneof(fc.constantFrom(...injections), fc.string({ unit: 'binary', maxLength: 40 }));

function addressOf({ url }: DeclaredRoute, odd: string | null): string {
  const start = Object.keys(known).find((prefix) => url.startsWith(prefix));
  const filled = odd === null ? ((start && known[start]) ?? uuidv7()) : encodeURIComponent(wellFormed(odd)) || 'x';
  return url.replace(/:\w+|\*/g, filled);
}

/** An address cannot hold half a surrogate pair. */
const wellFormed = (text: string) => text.replace(/\p{Surrogate}/gu, '\ufffd');

interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Sends bytes as they are, which `fetch` would not. */
async function send({ method, path, headers = {}, body = '' }: Sent): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(server.url);
  const cookie = await server.cookie();
  // Node would leave it out with DELETE, and the body would be taken for the next request.
  const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path, method, headers: { cookie, 'content-type': 'application/json', ...length, ...headers } },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode!, text: Buffer.concat(parts).toString() }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(method === 'GET' ? undefined : body);
  });
}

function expectClear({ status, text }: { status: number; text: string }, what: string): void {
  expect(status, what).toBeLessThan(500);
  if (status >= 400) expect(JSON.parse(text).error.message, what).toMatch(/\S/);
}

/** Every route gets so many of each kind. */
const each = 8;

test('JSON of any kind, in every field of every route', async () => {
  for (const route of routes) {
    await fc.assert(
      fc.asyncProperty(body, fc.option(parameter), async (sent, odd) => {
        const path = addressOf(route, odd);
        const reply = await send({ method: route.method, path, body: JSON.stringify(sent) ?? '' });
        expectClear(reply, `${route.method} ${path}`);
      }),
      { numRuns: each, endOnFailure: true },
    );
  }
  expect((await server.fetch('/healthz')).status).toBe(200);
}, 300_000);

test('bytes that are no JSON, no UTF-8 or no end, and queries of any kind', async () => {
  const broken: (string | Buffer)[] = [
    '{',
    '[1,',
    '"',
    'nul',
    '{"a":1}{"b":2}',
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
    `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.from('{"content":"\xc3\x28\xa0\xa1"}', 'latin1'),
    Buffer.concat([Buffer.from('{"content":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ];
  for (const route of routes) {
    const path = addressOf(route, null);
    for (const bytes of broken) {
      expectClear(
        await send({ method: route.method, path, body: bytes }),
        `${route.method} ${path} ${bytes.slice(0, 20)}`,
      );
    }
    for (const text of injections) {
      const query = `?q=${encodeURIComponent(wellFormed(text))}&before=${encodeURIComponent(wellFormed(text))}&start=-1&end=NaN&after=x`;
      expectClear(
        await send({ method: route.method, path: path + query, body: '{}' }),
        `${route.method} ${path}${query}`,
      );
    }
  }
  for (const path of [
    '/api/conversations/%',
    '/api/conversations/%zz/messages',
    '/%00',
    '/v1/models/%ff',
    '/api/%2e%2e/x',
  ]) {
    const { status } = await send({ method: 'GET', path });
    expect([path, status >= 400 && status < 500]).toEqual([path, true]);
  }
}, 300_000);

test('bodies beyond the limit and other types are refused on every route, and headers beyond it anywhere', async () => {
  const huge = JSON.stringify({ x: 'y'.repeat(1_100_000) });
  // Made for files, which are large and of any type, and have a limit of their own.
  const forFiles = ['/api/import', '/api/files'];
  for (const route of routes.filter(
    ({ method, url }) => method !== 'GET' && method !== 'OPTIONS' && !forFiles.includes(url),
  )) {
    const path = addressOf(route, null);
    const tooLarge = await send({ method: route.method, path, body: huge }).catch(() => null);
    // The server may hang up before the client has sent all of it.
    if (tooLarge) expect([route.url, tooLarge.status]).toEqual([route.url, 413]);
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
    ]) {
      const reply = await send({ method: route.method, path, body: 'a=b', headers: { 'content-type': type } });
      expect([route.url, type, reply.status]).toEqual([route.url, type, 415]);
    }
  }
  const reply = await send({ method: 'GET', path: '/api/session', headers: { 'x-long': 'x'.repeat(100_000) } }).catch(
    () => null,
  );
  if (reply) expect(reply.status).toBe(431);
  expect((await server.fetch('/healthz')).status).toBe(200);
}, 300_000);

test('other sites can neither change nor read anything, not even signing somebody in', async () => {
  const { host } = new URL(server.url);
  const theirs: Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: `http://${host}` },
  ];
  for (const route of routes.filter(({ url }) => url.startsWith('/api'))) {
    for (const headers of theirs) {
      const reply = await send({ method: route.method, path: addressOf(route, null), body: '{}', headers });
      expect([route.method, route.url, reply.status]).toEqual([route.method, route.url, 403]);
    }
  }
});

test('a session that somebody planted is not taken over, and odd cookies mean nobody', async () => {
  const person = await server.person('Victim');
  const planted = 'A'.repeat(43);
  const [name] = (await person.cookie()).split('=') as [string];
  const response = await fetch(`${server.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: `${name}=${planted}` },
    body: JSON.stringify({ email: 'victim@example.org', password: 'a password for tests' }),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('set-cookie')).not.toContain(planted);
  expect((await person.fetch('/api/account', { headers: { cookie: `${name}=${planted}` } })).status).toBe(401);
  for (const value of ['', '=;;;=', "' OR 1=1 --", 'x'.repeat(4_000), '%00', '你好'.repeat(3)]) {
    const cookie = `${name}=${encodeURIComponent(value)}; ${name}; =; ;`;
    expect([cookie, (await server.fetch('/api/account', { headers: { cookie } })).status]).toEqual([cookie, 401]);
  }
});

test('bytes that are no HTTP do not disturb anybody', async () => {
  const { hostname, port } = new URL(server.url);
  for (const bytes of [
    '\r\n\r\n',
    'GET\r\n',
    '\x16\x03\x01\x02',
    'POST / HTTP/1.1\r\ncontent-length: -5\r\n\r\n',
    'A'.repeat(70_000),
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.end(bytes));
      socket.on('error', () => resolve()).on('close', () => resolve());
      socket.resume();
    });
  }
  expect((await server.fetch('/healthz')).status).toBe(200);
});

test('a message that is accepted is stored as it was sent', async () => {
  const conversation = await server.newConversation();
  const contents = [
    '\u0000 nul',
    'ends with \ud83d half',
    '<script>alert(1)</script>',
    "'; DROP TABLE messages; --",
    '<|im_end|>',
  ];
  const told: string[] = [];
  for (const content of contents) {
    const path = `/api/conversations/${conversation.id}/messages`;
    const [start] = await collect(server.events(path, { body: { content, sampling: { maxTokens: 1 } } }));
    told.push((start as { question: Message }).question.content);
  }
  const stored = (await server.messages(conversation)).filter(({ role }) => role === 'user').map((one) => one.content);
  // What cannot be stored becomes what the asker is told.
  expect(stored).toEqual(contents.map((content) => content.replace(/\0|\p{Surrogate}/gu, '\ufffd')));
  expect(stored).toEqual(told);
});
