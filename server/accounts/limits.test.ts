/** Quotas and rates, https, and mail. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import type { Profile, Settings } from '@parley/contracts';
import { afterEach, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer, until } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let post: Server | undefined;
afterEach(async () => {
  await server.close();
  post?.close();
});

async function change(settings: Partial<Settings>): Promise<void> {
  const current = await server.json<Settings>('/api/administration/settings');
  await server.json('/api/administration/settings', { method: 'PUT', body: { ...current, ...settings } });
}

test('tokens are counted, in the chat and by API key alike, and the day’s quota ends them', async () => {
  server = await startTestServer();
  const tokens = async () => (await server.json<Profile>('/api/account')).tokensToday;
  expect(await tokens()).toBe(0);
  const conversation = await server.newConversation();
  await collect(server.ask(conversation, { content: 'hi', sampling: { maxTokens: 5 } }));
  await until(async () => (await tokens()) > 5);
  const afterChat = await tokens();

  const { secret } = await server.json<{ secret: string }>('/api/account/keys', { body: { name: 'k' } });
  const complete = () =>
    server.fetch('/v1/chat/completions', {
      body: { model: tinyModelName, messages: [{ role: 'user', content: 'hi' }], max_tokens: 5 },
      headers: { authorization: `Bearer ${secret}` },
    });
  const { usage } = (await (await complete()).json()) as { usage: { total_tokens: number } };
  await until(async () => (await tokens()) === afterChat + usage.total_tokens);

  await change({ tokensPerDay: 1 });
  const refused = await complete();
  expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false']);
  expect(await refused.json()).toMatchObject({ error: { type: 'insufficient_quota', code: 'insufficient_quota' } });
  const body = { content: 'more' };
  const chat = await server.fetch(`/api/conversations/${conversation.id}/messages`, { body });
  expect([chat.status, await chat.json()]).toMatchObject([429, { error: { code: 'insufficient_quota' } }]);
  expect(await server.messages(conversation)).toHaveLength(2);
});

test('requests from elsewhere are limited by account and by address, those of this machine are not', async () => {
  server = await startTestServer();
  await change({ requestsPerMinute: 3 });
  const statuses = async (headers: Record<string, string>, count = 5) => {
    const got: number[] = [];
    for (let index = 0; index < count; index++) got.push((await server.fetch('/api/account', { headers })).status);
    return got;
  };
  expect(await statuses({})).toEqual([200, 200, 200, 200, 200]);
  expect(await statuses({ 'x-forwarded-for': '192.0.2.1' })).toEqual([200, 200, 200, 429, 429]);
  // The account is what counts, wherever it comes from.
  expect(await statuses({ 'x-forwarded-for': '192.0.2.2' }, 1)).toEqual([429]);
  const stranger = { 'x-forwarded-for': '192.0.2.3', cookie: '' };
  expect(await statuses(stranger)).toEqual([401, 401, 401, 429, 429]);
});

test('behind https the cookie is bound to the host and to https', async () => {
  server = await startTestServer({ publicUrl: 'https://chat.example.org' });
  expect(await server.cookie()).toMatch(/^__Host-parley=/);
  const response = await fetch(`${server.url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'administrator@example.org', password: 'a password for tests' }),
  });
  expect(response.headers.get('set-cookie')).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=\d+$/);
});

test('a link for a new password comes by mail, under the name that people know', async () => {
  const mails: string[] = [];
  const url = await mailbox(mails);
  server = await startTestServer({
    mail: { url, from: 'Parley <parley@example.org>' },
    publicUrl: 'http://chat.example.org',
  });
  await server.cookie();
  for (const email of ['nobody@example.org', 'administrator@example.org']) {
    expect((await server.fetch('/api/password-resets', { body: { email } })).status).toBe(204);
  }
  await until(() => mails.length > 0);
  expect(mails).toHaveLength(1);
  expect(mails[0]).toMatch(/^To: administrator@example\.org$/m);
  const text = mails[0]!.replace(/=\r?\n/g, '').replaceAll('=3D', '=');
  const [, token] = /http:\/\/chat\.example\.org\/new-password#([\w-]{43})/.exec(text)!;
  const body = { token, password: 'a newer password' };
  expect((await server.fetch('/api/password-resets/use', { body })).status).toBe(204);
  // Whoever was signed in is so no longer.
  expect((await server.fetch('/api/account')).status).toBe(401);
});

/** As much of SMTP as a client needs to hand over a mail. */
async function mailbox(mails: string[]): Promise<string> {
  post = createServer((socket) => {
    let text = '';
    let inData = false;
    socket.write('220 mailbox\r\n');
    socket.on('data', (data) => {
      text += data;
      while (true) {
        const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = text.slice(0, end);
        text = text.slice(end + (inData ? 5 : 2));
        if (inData) mails.push(line);
        const startsData = !inData && line === 'DATA';
        inData = startsData;
        socket.write(startsData ? '354 go on\r\n' : line.startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => post!.listen(0, '127.0.0.1', resolve));
  return `smtp://127.0.0.1:${(post!.address() as AddressInfo).port}`;
}
