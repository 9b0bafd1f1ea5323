/**
 * Every route, asked by everybody: who may not use it is refused, and what belongs to somebody else cannot be reached
 * through any of them. The rows come from the server's own table, so that no route can be left out.
 */
import type { AccountRole } from '@parley/contracts';
import { roleAllows } from '@parley/contracts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { DeclaredRoute } from '../accounts/access.ts';
import { personalData } from '../accounts/personal-data.ts';
import { uuidv7 } from '../db/uuid.ts';
import {
  type Belonging,
  demonstration,
  installationsBelongings,
  ownersBelongings,
  sampling,
  trainersBelongings,
} from '../testing/belongings.ts';
import { writeCountingJob } from '../testing/counting-job.ts';
import { stored } from '../testing/test-database.ts';
import { startTestServer, type TestServer, temporaryFolder } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';

let administrator: TestServer;
let owner: TestServer;
let stranger: TestServer;
let trainer: TestServer;
let otherTrainer: TestServer;
let belongings: Belonging[];

const question = { content: 'Who may read this?', sampling };

beforeAll(async () => {
  administrator = await startTestServer({ draftsEvery: 1, cli: writeCountingJob(temporaryFolder('cli')) });
  owner = await administrator.person('Olga');
  stranger = await administrator.person('Mallory');
  trainer = await administrator.person('Tina', 'trainer');
  otherTrainer = await administrator.person('Theo', 'trainer');
  belongings = [
    ...(await ownersBelongings(owner)),
    ...(await trainersBelongings(trainer)),
    ...(await installationsBelongings(administrator, await idOf(stranger))),
  ];
});
afterAll(() => administrator.close());

async function idOf(person: TestServer): Promise<string> {
  return (await person.json<{ user: { id: string } }>('/api/session')).user.id;
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
  'POST /api/decisions/:id/appeal': { text: 'It was me.' },
  'PUT /api/workbench/tasks/:id/draft': demonstration,
  'POST /api/workbench/tasks/:id/submit': demonstration,
};
const queries: Record<string, string> = {
  'GET /api/documents/:id/excerpt': '?start=0&end=3',
};

const nameOf = ({ method, url }: DeclaredRoute) => `${method} ${url}`;
const isOurs = ({ method, url }: DeclaredRoute) => method !== 'HEAD' && method !== 'OPTIONS' && /^\/(api|v1)/.test(url);

const belongingIn = (route: DeclaredRoute): Belonging | undefined =>
  belongings.find(({ start }) => nameOf(route).startsWith(`${start}:`)) ??
  belongings.find(({ start }) => route.url.startsWith(`${start}:`));

function addressOf(route: DeclaredRoute, id = belongingIn(route)?.id ?? uuidv7()): string {
  return route.url.replace(/:\w+|\*/, id).replace(/:\w+|\*/g, uuidv7()) + (queries[nameOf(route)] ?? '');
}

interface Asking {
  cookie?: string;
  headers?: object;
  /** In place of what there is. */
  id?: string;
}

async function ask(route: DeclaredRoute, { cookie, headers, id }: Asking = {}) {
  const hasBody = route.method !== 'GET';
  const response = await fetch(administrator.url + addressOf(route, id), {
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
const hasPlace = (route: DeclaredRoute) => isOurs(route) && isForPeople(route) && route.url.includes('/:');
const routesAbout = (whose: Belonging['whose']) =>
  administrator.routes.filter((route) => hasPlace(route) && belongingIn(route)?.whose === whose);

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

test('every route that takes an id says here what of whose it is about', () => {
  const without = administrator.routes.filter((route) => hasPlace(route) && !belongingIn(route));
  expect(without.map(nameOf)).toEqual([]);
});

/** Everything of a person but what looking at it changes. */
async function everythingOf(person: TestServer) {
  const data = await stored(person.home, async (db) => personalData(db, await idOf(person)));
  return { ...data, sessions: [], audit_log: [] };
}

test('what belongs to somebody else is as if it did not exist, and stays as it is', async () => {
  const before = await vi.waitFor(async () => {
    const everything = [await everythingOf(owner), await everythingOf(trainer)];
    expect(JSON.stringify(everything), 'a file is read beside the server').not.toContain('"state":"reading"');
    return everything;
  }, 30_000);
  const ofOwner = routesAbout('owner');
  expect(ofOwner.length).toBeGreaterThan(30);
  for (const person of [stranger, trainer, administrator]) {
    const cookie = await person.cookie();
    // Where people's votes went is the administrators' business.
    const closed = ofOwner.filter(({ url }) => person !== administrator || !url.startsWith('/api/lineage/'));
    expect(await exceptions(closed, (route) => ask(route, { cookie }), [404])).toEqual([]);
  }
  const ofTrainer = routesAbout('trainer');
  expect(ofTrainer.length).toBeGreaterThan(5);
  for (const person of [otherTrainer, administrator]) {
    const cookie = await person.cookie();
    const found = await exceptions(ofTrainer, (route) => ask(route, { cookie }), [404, 409]);
    // Giving back what one does not hold changes nothing.
    expect(found).toEqual([['POST /api/workbench/tasks/:id/release', 204]]);
  }
  expect([await everythingOf(owner), await everythingOf(trainer)]).toEqual(before);
});

test('what is the installation’s is found by those who have the role for it', async () => {
  const routes = routesAbout('installation').filter(({ method }) => method === 'GET');
  expect(routes.length).toBeGreaterThan(6);
  for (const person of [administrator, otherTrainer]) {
    const open = routes.filter(({ access }) => person === administrator || access === 'trainer');
    const cookie = await person.cookie();
    const found = await exceptions(open, (route) => ask(route, { cookie }), [200]);
    // Fine-tuning has no episodes.
    expect(found.filter(([name]) => !name.includes('/episodes'))).toEqual([]);
  }
});

test('what nobody has is found by nobody, whatever their role', async () => {
  const cookie = await administrator.cookie();
  const found = await exceptions(
    administrator.routes.filter(hasPlace),
    (route) => ask(route, { cookie, id: uuidv7() }),
    [...[400, 404, 409]],
  );
  expect(found).toEqual([['POST /api/workbench/tasks/:id/release', 204]]);
});

test('the same requests of the owner are not refused, so that the owner was what was missing', async () => {
  const order = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE'];
  // What was handed in is nobody's task any more; shares and documents go with what they are in, and with the session
  // goes the cookie.
  const last = ['submit', 'skip'].map((end) => `/api/workbench/tasks/:id/${end}`);
  last.push('/api/conversations/:id', '/api/assistants/:id', '/api/account/sessions/:id');
  const found: [string, number][] = [];
  for (const [person, whose] of [
    [owner, 'owner'],
    [trainer, 'trainer'],
  ] as const) {
    const cookie = await person.cookie();
    const routes = routesAbout(whose)
      .filter((route) => nameOf(route) !== 'POST /api/conversations/:id/shares')
      .sort((one, other) => last.indexOf(one.url) - last.indexOf(other.url))
      .sort((one, other) => order.indexOf(one.method) - order.indexOf(other.method));
    found.push(...(await exceptions(routes, (route) => ask(route, { cookie }), [200, 201, 202, 204])));
  }
  // Their state forbids it: the answer is complete and cites nothing, one draft has a thumb, and what is skipped at
  // last was handed in.
  const known = [
    'POST /api/messages/:id/continue',
    'POST /api/messages/:id/verify',
    'POST /api/workbench/tasks/:id/skip',
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
