/**
 * Every route, asked by everybody: who may not use it is refused, and what belongs to somebody else cannot be reached
 * through any of them. The rows come from the server's own table, so that no route can be left out.
 */
import type { AccountRole, Message } from '@parley/contracts';
import { roleAllows } from '@parley/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeclaredRoute } from '../accounts/access.ts';
import { personalData } from '../accounts/personal-data.ts';
import { uuidv7 } from '../db/uuid.ts';
import { stored } from '../testing/test-database.ts';
import { collect, startTestServer, type TestServer } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';

let administrator: TestServer;
let owner: TestServer;
let stranger: TestServer;
let trainer: TestServer;
/** What takes the place of a route's parameter, by the start of its address. */
let ids: [start: string, id: string][];

const sampling = { maxTokens: 2, seed: 3 };
const question = { content: 'Who may read this?', sampling };

beforeAll(async () => {
  administrator = await startTestServer({ draftsEvery: 1 });
  owner = await administrator.person('Olga');
  stranger = await administrator.person('Mallory');
  trainer = await administrator.person('Tina', 'trainer');
  ids = await belongings();
});
afterAll(() => administrator.close());

/** The owner gets one of everything. */
async function belongings(): Promise<typeof ids> {
  const conversation = await owner.newConversation();
  const ofConversation = `/api/conversations/${conversation.id}`;
  await collect(owner.ask(conversation, question));
  const answer = (await owner.messages(conversation)).find(({ role }) => role === 'assistant') as Message;
  const made = async (path: string, body: unknown) => (await owner.json<{ id: string }>(path, { body })).id;
  const assistant = await made('/api/assistants', { name: 'Private' });
  const document = await made(`/api/assistants/${assistant}/documents`, { name: 'a.txt', text: 'secret' });
  const share = await made(`${ofConversation}/shares`, { leafId: answer.id });
  const { key } = await owner.json<{ key: { id: string } }>('/api/account/keys', { body: { name: 'k' } });
  const { sessions } = await owner.json<{ sessions: { id: string }[] }>('/api/account/sessions');
  const { drafts } = await owner.json<{ drafts: { id: string }[] }>(`${ofConversation}/drafts`);
  return [
    ['/api/conversations/', conversation.id],
    ['/api/messages/', answer.id],
    ['/api/lineage/messages/', answer.id],
    ['/api/assistants/', assistant],
    ['/api/documents/', document],
    ['/api/shares/', share],
    ['/api/drafts/', drafts?.[0]?.id ?? uuidv7()],
    ['/api/account/keys/', key.id],
    ['/api/account/sessions/', sessions[0]!.id],
  ];
}

/** What the owner would send, so that nothing but the owner is missing in what a stranger sends. */
const bodies: Record<string, unknown> = {
  'PATCH /api/conversations/:id': { title: 'Taken over' },
  'POST /api/conversations/:id/messages': question,
  'POST /api/conversations/:id/shares': { leafId: uuidv7() },
  'PUT /api/messages/:id/feedback': { thumb: 'up' },
  'PUT /api/drafts/:id': { choice: 'left' },
  'PUT /api/assistants/:id': { name: 'Taken over' },
  'PUT /api/assistants/:id/widget': { enabled: true, origins: ['https://evil.example'] },
  'POST /api/assistants/:id/documents': { name: 'b.txt', text: 'planted' },
};
const queries: Record<string, string> = {
  'GET /api/documents/:id/excerpt': '?start=0&end=3',
};

const nameOf = ({ method, url }: DeclaredRoute) => `${method} ${url}`;
const isOurs = ({ method, url }: DeclaredRoute) => method !== 'HEAD' && method !== 'OPTIONS' && /^\/(api|v1)/.test(url);

function addressOf(route: DeclaredRoute): string {
  const start = ids.find(([known]) => route.url.startsWith(known));
  const id = start?.[1] ?? uuidv7();
  return route.url.replace(/:\w+|\*/, id).replace(/:\w+|\*/g, uuidv7()) + (queries[nameOf(route)] ?? '');
}

async function ask(route: DeclaredRoute, { cookie, headers }: { cookie?: string; headers?: object } = {}) {
  const hasBody = route.method !== 'GET';
  const response = await fetch(administrator.url + addressOf(route), {
    method: route.method,
    headers: { ...(cookie && { cookie }), ...(hasBody && { 'content-type': 'application/json' }), ...headers },
    ...(hasBody && { body: JSON.stringify(bodies[nameOf(route)] ?? {}) }),
  });
  await response.body?.cancel();
  return response.status;
}

/** [route, status] of those where the status is not as expected: one list says more than the first failure. */
async function exceptions(
  routes: DeclaredRoute[],
  status: (route: DeclaredRoute) => Promise<number>,
  expected: number[],
) {
  const found: [string, number][] = [];
  for (const route of routes) {
    const got = await status(route);
    if (!expected.includes(got)) found.push([nameOf(route), got]);
  }
  return found;
}

const levels: AccountRole[] = ['user', 'trainer', 'administrator'];
const isForPeople = (route: DeclaredRoute) => levels.includes(route.access as AccountRole);
const isAboutBelongings = (route: DeclaredRoute) =>
  isForPeople(route) && route.method !== 'HEAD' && ids.some(([start]) => route.url.startsWith(`${start}:`));

test('the table holds every part of the server', () => {
  const urls = administrator.routes.filter(isOurs).map(({ url }) => url);
  for (const known of ['/api/session', '/api/conversations', '/v1/chat/completions', '/api/administration/settings']) {
    expect(urls).toContain(known);
  }
});

test('nobody who is not signed in gets anywhere', async () => {
  const routes = administrator.routes.filter((route) => isOurs(route) && isForPeople(route));
  expect(await exceptions(routes, (route) => ask(route), [401])).toEqual([]);
  const forged = { cookie: `${(await owner.cookie()).split('=')[0]}=${'A'.repeat(43)}` };
  expect(await exceptions(routes, (route) => ask(route, forged), [401])).toEqual([]);
});

test('a role opens what is for it and for those below, and nothing else', async () => {
  const cookies = { user: await stranger.cookie(), trainer: await trainer.cookie() };
  for (const role of ['user', 'trainer'] as const) {
    const closed = administrator.routes.filter(
      (route) => isOurs(route) && isForPeople(route) && !roleAllows(role, route.access as AccountRole),
    );
    expect(await exceptions(closed, (route) => ask(route, { cookie: cookies[role] }), [403])).toEqual([]);
  }
});

test('what belongs to somebody else is as if it did not exist, and stays as it is', async () => {
  const { user } = await owner.json<{ user: { id: string } }>('/api/session');
  const everything = async () => {
    const data = await stored(owner.home, (db) => personalData(db, user.id));
    return { ...data, sessions: [], audit_log: [] };
  };
  const before = await everything();
  const routes = administrator.routes.filter(isAboutBelongings);
  expect(routes.length).toBeGreaterThan(20);
  for (const person of [stranger, trainer, administrator]) {
    const cookie = await person.cookie();
    // Where people's votes went is the administrators' business.
    const closed = routes.filter(({ url }) => person !== administrator || !url.startsWith('/api/lineage/'));
    expect(await exceptions(closed, (route) => ask(route, { cookie }), [403, 404])).toEqual([]);
  }
  expect(await everything()).toEqual(before);
});

test('what nobody has is found by nobody, whatever their role', async () => {
  const routes = administrator.routes.filter(
    (route) => isOurs(route) && isForPeople(route) && route.url.includes('/:') && !isAboutBelongings(route),
  );
  const cookie = await administrator.cookie();
  const found = await exceptions(routes, (route) => ask(route, { cookie }), [400, 404, 409]);
  // Giving back what one does not hold changes nothing.
  expect(found).toEqual(found.filter(([name, status]) => name.endsWith('/release') && status === 204));
});

test('the same requests of the owner are not refused, so that the owner was what was missing', async () => {
  const cookie = await owner.cookie();
  const order = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE'];
  // Shares and documents go with what they are in, and with the session goes the cookie.
  const last = ['/api/conversations/:id', '/api/assistants/:id', '/api/account/sessions/:id'];
  const routes = administrator.routes
    .filter((route) => isAboutBelongings(route) && nameOf(route) !== 'POST /api/conversations/:id/shares')
    .sort((one, other) => last.indexOf(one.url) - last.indexOf(other.url))
    .sort((one, other) => order.indexOf(one.method) - order.indexOf(other.method));
  const found = await exceptions(routes, (route) => ask(route, { cookie }), [200, 201, 202, 204]);
  // Their state forbids it: the answer is complete, cites nothing and went into nothing, and drafts come by chance.
  const known = [
    'POST /api/messages/:id/continue',
    'POST /api/messages/:id/verify',
    'PUT /api/drafts/:id',
    'GET /api/lineage/messages/:id',
  ];
  expect(found.filter(([name]) => !known.includes(name))).toEqual([]);
});

test('/v1 needs a key from elsewhere, and everywhere once it is closed', async () => {
  const routes = administrator.routes.filter((route) => isOurs(route) && route.access.startsWith('api'));
  const viaProxy = { headers: { 'x-forwarded-for': '192.0.2.7' } };
  const wrong = { headers: { authorization: 'Bearer parley-wrong' } };
  const other = { headers: { authorization: 'Bearer none', 'x-forwarded-for': '192.0.2.7' } };
  for (const how of [viaProxy, wrong, other]) {
    expect(await exceptions(routes, (route) => ask(route, how), [401])).toEqual([]);
  }
  const key = async (scopes: string[]) => {
    const body = { name: 'k', scopes };
    return (await stranger.json<{ secret: string }>('/api/account/keys', { body })).secret;
  };
  const status = (scope: string, headers: object) =>
    exceptions(
      routes.filter((route) => route.access === `api:${scope}`),
      (route) => ask(route, { headers }),
      [403],
    );
  const listing = await key(['models']);
  expect(await status('chat', { authorization: `Bearer ${listing}` })).toEqual([]);
  // The other header that clients use knows the same limits.
  expect(await status('chat', { 'x-api-key': listing })).toEqual([]);

  const settings = await administrator.json<object>('/api/administration/settings');
  const put = (body: object) => administrator.json('/api/administration/settings', { method: 'PUT', body });
  expect((await administrator.fetch('/v1/models')).status).toBe(200);
  await put({ ...settings, openLocalApi: false });
  expect(await exceptions(routes, (route) => ask(route), [401])).toEqual([]);
  const headers = { authorization: `Bearer ${listing}` };
  expect((await administrator.fetch('/v1/models', { headers })).status).toBe(200);
  await put(settings);
});

test('a key says whose it is, ends when it is revoked, and errors have the shape that clients know', async () => {
  const body = { name: 'mine', expiresInDays: 1 };
  const { key, secret } = await stranger.json<{ key: { id: string }; secret: string }>('/api/account/keys', { body });
  expect(secret).toMatch(/^parley-[\w-]{43}$/);
  expect(await stranger.json('/api/account/keys')).not.toMatchObject({ keys: [{ secret: expect.anything() }] });
  const use = (how: Record<string, string>) =>
    administrator.fetch('/v1/chat/completions', {
      body: { model: tinyModelName, messages: [{ role: 'user', content: 'hi' }], max_tokens: 2 },
      headers: { 'x-forwarded-for': '192.0.2.8', ...how },
    });
  expect((await use({ authorization: `Bearer ${secret}` })).status).toBe(200);
  expect((await stranger.fetch(`/api/account/keys/${key.id}`, { method: 'DELETE' })).status).toBe(204);
  const wrong = await use({ authorization: `Bearer ${secret}` });
  expect([wrong.status, await wrong.json()]).toEqual([
    401,
    {
      error: {
        message: expect.stringMatching(/revoked/),
        type: 'invalid_request_error',
        param: null,
        code: 'invalid_api_key',
      },
    },
  ]);
  const missing = await use({});
  expect([missing.status, await missing.json()]).toEqual([
    401,
    { error: { message: expect.stringMatching(/Bearer/), type: 'invalid_request_error', param: null, code: null } },
  ]);
});
