/** Registering, signing in and out, roles, and what administrators do, against a real server. */
import type {
  Account,
  AdministeredAccount,
  AuditEntry,
  PasswordLink,
  Session,
  SessionEntry,
  Settings,
} from '@parley/contracts';
import { settingsSchema } from '@parley/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer } from '../testing/test-server.ts';

let administrator: TestServer;
let people = 0;

beforeAll(async () => {
  administrator = await startTestServer();
  await administrator.cookie();
});
afterAll(() => administrator.close());

const password = 'correct horse battery';

/** Whose JSON is what the test knows it to be. */
type Reply = Omit<Response, 'json'> & {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  json(): Promise<any>;
};

interface Sent {
  method?: string;
  cookie?: string;
  headers?: Record<string, string>;
}

/** A request of somebody who is not signed in, or by the cookie given. */
async function send(path: string, body?: unknown, { method, cookie, headers }: Sent = {}): Promise<Reply> {
  return fetch(administrator.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(cookie && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function refusal(response: Reply | Promise<Reply>): Promise<[number, string]> {
  const reply = await response;
  return [reply.status, (await reply.json()).error.code];
}

const cookieOf = (response: Reply) => response.headers.get('set-cookie')!.split(';', 1)[0]!;
const sessionOf = async (cookie?: string): Promise<Session> =>
  (await send('/api/session', undefined, { cookie })).json();
const change = (settings: Partial<Settings>) =>
  administrator.json('/api/administration/settings', { method: 'PUT', body: settingsSchema.parse(settings) });

async function somebody(): Promise<{ email: string; name: string; cookie: string; id: string }> {
  const name = `Somebody ${++people}`;
  const email = `somebody-${people}@example.org`;
  const response = await send('/api/accounts', { name, email, password });
  expect(response.status).toBe(201);
  return { email, name, cookie: cookieOf(response), id: (await response.json()).id };
}

describe('the first account', () => {
  test('is the administrator, takes the local user over, and is the only such one however many register at once', async () => {
    const server = await startTestServer();
    const post = (index: number) =>
      fetch(`${server.url}/api/accounts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: `N ${index}`, email: `n${index}@example.org`, password }),
      });
    expect(await (await fetch(`${server.url}/api/session`)).json()).toMatchObject({ user: null, setup: true });
    const roles = await Promise.all(
      [1, 2, 3, 4].map(async (index) => ((await (await post(index)).json()) as Account).role),
    );
    expect(roles.toSorted()).toEqual(['administrator', 'user', 'user', 'user']);
    expect(await (await fetch(`${server.url}/api/session`)).json()).toMatchObject({ user: null, setup: false });
    await server.close();
  });
});

describe('signing in', () => {
  test('gives a cookie that scripts cannot read, a new one each time, and signing out ends it', async () => {
    const { email, cookie } = await somebody();
    const response = await send('/api/session', { email: ` ${email.toUpperCase()} `, password }, { cookie });
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toMatch(
      /^parley-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000$/,
    );
    const next = cookieOf(response);
    expect(next).not.toBe(cookie);
    // The one that the browser came with has ended: nobody keeps a session that was planted on them.
    expect((await sessionOf(cookie)).user).toBeNull();
    expect((await sessionOf(next)).user).toMatchObject({ email });
    expect((await send('/api/session', undefined, { method: 'DELETE', cookie: next })).status).toBe(204);
    expect((await sessionOf(next)).user).toBeNull();
  });

  test('tells a wrong password and an unknown address alike, in comparable time', async () => {
    const { email } = await somebody();
    const timed = async (address: string) => {
      const started = performance.now();
      const told = await (await send('/api/session', { email: address, password: 'wrong password' })).json();
      return { told, time: performance.now() - started };
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 7; round++) {
      const [one, other] = [await timed(email), await timed(`nobody-${round}@example.org`)];
      expect(other.told).toEqual(one.told);
      known.push(one.time);
      unknown.push(other.time);
    }
    const median = (times: number[]) => times.toSorted((a, b) => a - b)[3]!;
    // Hashing takes tens of milliseconds; without it the reply would come in a tenth of the time.
    expect(median(unknown)).toBeGreaterThan(median(known) / 3);
  });

  test('is slowed down after ten wrong passwords, for that account and address only', async () => {
    const { email } = await somebody();
    const from = (address: string, secret: string) =>
      send('/api/session', { email, password: secret }, { headers: { 'x-forwarded-for': address } });
    for (let index = 0; index < 10; index++) expect((await from('192.0.2.1', 'wrong password')).status).toBe(401);
    const refused = await from('192.0.2.1', password);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refusal(refused)).toEqual([429, 'rate_limit_exceeded']);
    expect((await from('192.0.2.2', password)).status).toBe(200);
  });

  test('weak passwords, taken addresses and nonsense are refused', async () => {
    const { email } = await somebody();
    const name = 'X';
    const register = async (body: unknown) => refusal(await send('/api/accounts', body));
    expect(await register({ name, email: 'new@example.org', password: 'short' })).toEqual([400, 'invalid_request']);
    expect(await register({ name, email: 'new@example.org', password: 'Password1' })).toEqual([
      400,
      'password_too_common',
    ]);
    expect(await register({ name, email: 'new@example.org', password: 'new@example.org' })).toEqual([
      400,
      'password_too_common',
    ]);
    expect(await register({ name, email, password })).toEqual([409, 'email_taken']);
    expect(await register({ name, email: 'no address', password })).toEqual([400, 'invalid_request']);
  });

  test('many registrations from one address are stopped, and closed registration lets nobody in', async () => {
    const statuses: number[] = [];
    for (let index = 0; index < 12; index++) {
      const body = { name: 'Bot', email: `bot-${index}@example.org`, password };
      statuses.push((await send('/api/accounts', body, { headers: { 'x-forwarded-for': '192.0.2.9' } })).status);
    }
    expect(statuses.filter((status) => status === 201)).toHaveLength(10);
    expect(statuses.slice(10)).toEqual([429, 429]);

    await change({ registration: 'closed' });
    expect(await sessionOf()).toMatchObject({ registration: 'closed' });
    expect(await refusal(await send('/api/accounts', { name: 'X', email: 'late@example.org', password }))).toEqual([
      403,
      'registration_closed',
    ]);
    await change({ registration: 'open' });
  });
});

describe('one’s own account', () => {
  let me: Awaited<ReturnType<typeof somebody>>;
  beforeEach(async () => {
    me = await somebody();
  });

  test('lists where one is signed in and ends those', async () => {
    const other = cookieOf(await send('/api/session', { email: me.email, password }));
    const third = cookieOf(await send('/api/session', { email: me.email, password }));
    const list = async (): Promise<SessionEntry[]> =>
      (await (await send('/api/account/sessions', undefined, { cookie: me.cookie })).json()).sessions;
    const sessions = await list();
    expect(sessions.map(({ current }) => current)).toEqual([false, false, true]);
    expect(JSON.stringify(sessions)).not.toContain(other.split('=')[1]);
    const path = `/api/account/sessions/${sessions[0]!.id}`;
    const { cookie } = await somebody();
    expect((await send(path, undefined, { method: 'DELETE', cookie })).status).toBe(404);
    expect((await send(path, undefined, { method: 'DELETE', cookie: me.cookie })).status).toBe(204);
    expect((await sessionOf(third)).user).toBeNull();
    expect((await sessionOf(other)).user).not.toBeNull();
    await send('/api/account/sessions', undefined, { method: 'DELETE', cookie: me.cookie });
    expect((await sessionOf(other)).user).toBeNull();
    expect(await list()).toHaveLength(1);
  });

  test('a new password needs the old one and signs out everywhere else', async () => {
    const other = cookieOf(await send('/api/session', { email: me.email, password }));
    const put = (body: unknown) => send('/api/account/password', body, { method: 'PUT', cookie: me.cookie });
    expect(await refusal(await put({ current: 'wrong password', next: 'another fine password' }))).toEqual([
      403,
      'password_wrong',
    ]);
    expect((await put({ current: password, next: 'another fine password' })).status).toBe(204);
    expect((await sessionOf(other)).user).toBeNull();
    expect((await sessionOf(me.cookie)).user).not.toBeNull();
    expect((await send('/api/session', { email: me.email, password })).status).toBe(401);
    expect((await send('/api/session', { email: me.email, password: 'another fine password' })).status).toBe(200);
  });

  test('takes everything along without secrets, and leaves nothing when it goes', async () => {
    const person = await administrator.person(`Leaver${people}`);
    const conversation = await person.newConversation();
    await collect(person.ask(conversation, { content: 'remember me 记住我', sampling: { maxTokens: 4 } }));
    const { secret } = await person.json<{ secret: string }>('/api/account/keys', { body: { name: 'mine' } });
    const exported = await person.fetch('/api/account/export');
    expect(exported.headers.get('content-disposition')).toContain('attachment');
    const text = await exported.text();
    const data = JSON.parse(text);
    expect(data.messages.map(({ role }: { role: string }) => role)).toEqual(['user', 'assistant']);
    expect(data).toMatchObject({ users: [{ id: data.users[0].id }], conversations: [{ id: conversation.id }] });
    expect(text).toContain('remember me 记住我');
    expect(text).not.toMatch(/argon2|_hash":"[0-9a-f]{64}"(?<!weights_hash":"[0-9a-f]{64}")/);
    expect(text).not.toContain(secret);

    const remove = (body: unknown) => person.fetch('/api/account', { method: 'DELETE', body });
    expect((await remove({ password: 'wrong password' })).status).toBe(403);
    expect((await remove({ password: 'a password for tests' })).status).toBe(204);
    expect((await person.fetch('/api/conversations')).status).toBe(401);
    const accounts = await listed();
    expect(accounts.some(({ id }) => id === data.users[0].id)).toBe(false);
  });
});

const listed = async () =>
  (await administrator.json<{ accounts: AdministeredAccount[] }>('/api/administration/accounts')).accounts;
const audited = async () => (await administrator.json<{ entries: AuditEntry[] }>('/api/administration/audit')).entries;

describe('administrators', () => {
  const patch = (id: string, body: unknown) =>
    administrator.fetch(`/api/administration/accounts/${id}`, { method: 'PATCH', body });

  test('give roles, and shut accounts out at once', async () => {
    const { id, cookie, email } = await somebody();
    expect(await refusal(await send('/api/administration/accounts', undefined, { cookie }))).toEqual([
      403,
      'role_missing',
    ]);
    expect(await (await patch(id, { role: 'administrator' })).json()).toMatchObject({ role: 'administrator' });
    expect((await send('/api/administration/accounts', undefined, { cookie })).status).toBe(200);
    expect((await patch(id, { role: 'user', disabled: true })).status).toBe(200);
    expect((await sessionOf(cookie)).user).toBeNull();
    expect(await refusal(await send('/api/session', { email, password }))).toEqual([403, 'account_disabled']);
    expect((await patch(id, { disabled: false })).status).toBe(200);
    expect((await send('/api/session', { email, password })).status).toBe(200);
  });

  test('cannot leave the installation without one of them', async () => {
    const { user } = await administrator.json<Session>('/api/session');
    expect(await refusal(await patch(user!.id, { role: 'user' }))).toEqual([409, 'last_administrator']);
    expect(await refusal(await patch(user!.id, { disabled: true }))).toEqual([409, 'last_administrator']);
    const deleting = administrator.fetch('/api/account', {
      method: 'DELETE',
      body: { password: 'a password for tests' },
    });
    expect(await refusal(await deleting)).toEqual([409, 'last_administrator']);
  });

  test('let people in by a link that works once and replaces earlier ones', async () => {
    const body = { name: 'Invited', email: 'invited@example.org', role: 'trainer' };
    const invited = (await administrator.json('/api/administration/accounts', { body })) as PasswordLink;
    const secretOf = ({ url }: PasswordLink) => /\/new-password#([\w-]{43})$/.exec(url)![1];
    const { id } = (await listed()).find(({ email }) => email === body.email)!;
    const again = (await administrator.json(`/api/administration/accounts/${id}/password-link`, {
      method: 'POST',
    })) as PasswordLink;
    const use = (token: unknown) => send('/api/password-resets/use', { token, password });
    expect(await refusal(await use(secretOf(invited)))).toEqual([400, 'link_invalid']);
    expect((await use(secretOf(again))).status).toBe(204);
    expect(await refusal(await use(secretOf(again)))).toEqual([400, 'link_invalid']);
    const response = await send('/api/session', { email: body.email, password });
    expect(await response.json()).toMatchObject({ role: 'trainer', name: 'Invited' });
  });

  test('see who asked for a new password; a stranger learns nothing', async () => {
    const { email } = await somebody();
    for (const asked of [email, 'stranger@example.org']) {
      const response = await send('/api/password-resets', { email: asked });
      expect([response.status, await response.text()]).toEqual([204, '']);
    }
    await expect
      .poll(async () => (await listed()).find((account) => account.email === email)?.resetAskedAt, {
        timeout: 10_000,
      })
      .toEqual(expect.any(Number));
  });

  test('read who did what', async () => {
    const { id, name } = await somebody();
    await patch(id, { role: 'trainer' });
    const entries = await audited();
    expect(entries[0]).toMatchObject({ action: 'account.changed', detail: { role: 'trainer' } });
    expect(entries[1]).toMatchObject({ action: 'account.registered', actor: { id, name }, address: '127.0.0.1' });
    const older = await administrator.json<{ entries: AuditEntry[] }>(
      `/api/administration/audit?before=${entries[1]!.id}`,
    );
    expect(older.entries[0]!.id < entries[1]!.id).toBe(true);
  });
});
