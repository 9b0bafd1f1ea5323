/** What every route has in common: who may ask, what bad input gets, how the page is served. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import type { Message } from '@parley/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../index.ts';
import {
  collect,
  newHome,
  startTestServer,
  type TestServer,
  temporaryFolder,
  tinyModel,
} from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;

beforeAll(async () => {
  const webFolder = temporaryFolder('web');
  mkdirSync(join(webFolder, 'assets'));
  writeFileSync(join(webFolder, 'index.html'), '<!doctype html><title>Parley</title>');
  writeFileSync(join(webFolder, 'assets/main-abc123.js'), 'console.log(1)');
  server = await startTestServer({ webFolder, allowedHosts: ['parley.example'] });
});
afterAll(() => server.close());

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** `fetch` will not set Host or Origin; a browser tricked by DNS would. */
function bare(path: string, headers: Record<string, string>, method = 'GET', body?: string): Promise<Reply> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

describe('who may ask', () => {
  const status = async (host: string, path = '/api/session') => (await bare(path, { host })).status;

  test('only our own names are answered, so that no rebound name is', async () => {
    for (const host of [
      'localhost',
      'LOCALHOST:80',
      '127.0.0.1:3000',
      '[::1]:3000',
      '192.168.1.5',
      'parley.example:81',
    ]) {
      expect([host, await status(host)]).toEqual([host, 200]);
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect([host, await status(host)]).toEqual([host, 403]);
      expect([host, await status(host, '/v1/models')]).toEqual([host, 403]);
    }
    expect(await status('evil.example', '/healthz')).toBe(200);
  });

  test('other sites may neither change nor read anything under /api', async () => {
    const { host } = new URL(server.url);
    const cookie = await server.cookie();
    const json = { host, cookie, 'content-type': 'application/json' };
    const post = (headers: Record<string, string>, body = '{}') => bare('/api/conversations', headers, 'POST', body);
    expect((await post({ ...json, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    expect((await post(json)).status).toBe(201);
    expect((await post({ ...json, origin: 'http://evil.example' })).status).toBe(403);
    expect((await post({ ...json, origin: 'null' })).status).toBe(403);
    expect((await post({ ...json, origin: 'http://localhost:1' })).status).toBe(403);
    expect((await post({ ...json, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await post({ ...json, origin: 'http://localhost:1', 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    expect((await bare('/api/conversations', { host, cookie, 'sec-fetch-site': 'same-site' })).status).toBe(403);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      expect((await post({ host, cookie, 'content-type': type })).status).toBe(415);
    }
    const preflight = await bare('/api/conversations', { host, origin: 'http://evil.example' }, 'OPTIONS');
    expect(preflight.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('pages on this machine may use /v1, others not', async () => {
    const { host } = new URL(server.url);
    const preflight = async (origin: string) => {
      const headers = {
        host,
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      };
      return bare('/v1/chat/completions', headers, 'OPTIONS');
    };
    const local = await preflight('http://localhost:5173');
    expect(local.status).toBe(204);
    expect(local.headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:5173',
      'access-control-allow-headers': 'authorization, content-type',
    });
    for (const origin of ['https://evil.example', 'http://localhost.evil.example', 'null']) {
      expect((await preflight(origin)).headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('the page may run its own scripts and styles only', async () => {
    for (const path of ['/', '/api/session', '/v1/models', '/nowhere']) {
      const { headers } = await server.fetch(path);
      const policy = headers.get('content-security-policy')!;
      expect(policy).not.toMatch(/unsafe|\*|http/);
      for (const rule of ["script-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]) {
        expect(policy).toContain(rule);
      }
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/);
    }
  });
});

describe('the page', () => {
  const page = (path: string, init?: RequestInit) =>
    server.fetch(path, { headers: { accept: 'text/html,*/*' }, ...init } as never);

  test('is served at every address that is no other', async () => {
    for (const path of ['/', '/c/0199aaaa', '/settings?tab=1']) {
      const response = await page(path);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toContain('<title>Parley');
    }
    const asset = await server.fetch('/assets/main-abc123.js');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    for (const path of ['/assets/gone.js', '/api/nothing', '/v1/nothing', '/../package.json', '/%2e%2e/package.json']) {
      expect([path, (await server.fetch(path)).status]).toEqual([path, 404]);
    }
    for (const path of ['/api/nothing', '/v1/nothing']) expect((await page(path)).status).toBe(404);
    expect((await page('/', { method: 'DELETE' })).status).toBe(404);
  });

  test('says how to build it when it is missing', async () => {
    const other = await startTestServer({ webFolder: join(newHome(), 'no-such-folder') });
    const response = await other.fetch('/', { headers: { accept: 'text/html' } });
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build:web');
    await other.close();
  });
});

describe('starting', () => {
  test('a port in use is one clear line, and nothing is left running', async () => {
    const port = Number(new URL(server.url).port);
    const home = newHome();
    const start = startServer({ port, modelFolder: tinyModel(), home });
    await expect(start).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use. Stop what listens there`);
    await (await startTestServer({ home })).close();
  });

  test('health and metrics', async () => {
    expect(await server.json('/healthz')).toEqual({ status: 'ok' });
    expect(await server.json('/api/status')).toMatchObject({
      ready: true,
      model: { id: tinyModelName, context: tinyModelContext },
    });
    const metrics = await (await server.fetch('/metrics')).text();
    for (const name of [
      'parley_active_slots 0',
      'parley_model_ready 1',
      'parley_http_request_duration_seconds_bucket',
    ]) {
      expect(metrics).toContain(name);
    }
  });
});

describe('whatever is sent', () => {
  const id = '01890000-0000-7000-8000-000000000000';
  const routes: [method: string, path: string][] = [
    ['POST', '/api/conversations'],
    ['PATCH', `/api/conversations/${id}`],
    ['DELETE', `/api/conversations/${id}`],
    ['POST', '/api/conversations/CONVERSATION/messages'],
    ['POST', `/api/messages/${id}/continue`],
    ['POST', `/api/messages/${id}/regenerate`],
    ['POST', `/api/messages/${id}/stop`],
    ['PUT', `/api/messages/${id}/feedback`],
    ['POST', '/v1/chat/completions'],
    ['GET', '/v1/models/x'],
  ];
  /** JSON that resembles the real thing often enough to get past the first check. */
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(null, '', -1, 0, 1e308, 2 ** 53, '\u0000', '🙂', '__proto__', tinyModelName),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'content',
          'role',
          'type',
          'text',
          'temperature',
          'seed',
          'stop',
          '__proto__',
          'constructor',
          'toString',
        ),
        tie('any'),
        { maxKeys: 4 },
      ),
    ),
  })).any;
  const body = fc.oneof(
    value,
    fc.record(
      {
        content: value,
        parentId: value,
        sampling: value,
        title: value,
        thumb: value,
        comment: value,
        model: fc.oneof(fc.constant(tinyModelName), value),
        messages: fc.oneof(
          fc.array(fc.record({ role: fc.constantFrom('user', 'tool', 'system'), content: value })),
          value,
        ),
        stream: value,
        n: value,
        stop: value,
        seed: value,
        max_tokens: fc.constant(3),
        tools: value,
        logprobs: value,
      },
      { requiredKeys: [] },
    ),
  );

  test('gets a JSON error with a 4xx status or an answer, never a crash', async () => {
    const { id: conversation } = await server.newConversation();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), body, async ([method, path], sent) => {
        const text = JSON.stringify(sent) ?? '';
        const response = await fetch(server.url + path.replace('CONVERSATION', conversation), {
          method,
          headers: { cookie: await server.cookie(), ...(method !== 'GET' && { 'content-type': 'application/json' }) },
          ...(method !== 'GET' && { body: text }),
        });
        expect(response.status).toBeLessThan(500);
        const reply = await response.text();
        if (response.status >= 400) expect(JSON.parse(reply).error.message).toEqual(expect.stringMatching(/\S/));
      }),
      { numRuns: 400, endOnFailure: true },
    );
    expect((await server.fetch('/healthz')).status).toBe(200);
  }, 120_000);

  test('broken JSON, wrong ids, odd addresses and huge bodies too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.constantFrom(...routes), async (text, [method, path]) => {
        if (method === 'GET') return;
        const odd = path.replace(id, encodeURIComponent(text.slice(0, 40)) || 'x').replace('CONVERSATION', id);
        const headers = { cookie: await server.cookie(), 'content-type': 'application/json' };
        const response = await fetch(server.url + odd, { method, body: text, headers });
        expect(response.status).toBeLessThan(500);
        if (response.status >= 400) expect(JSON.parse(await response.text()).error.message).toEqual(expect.any(String));
      }),
      { numRuns: 200 },
    );
    for (const path of ['/api/conversations/%', '/api/conversations/%zz/messages', '/%00', '/v1/models/%ff']) {
      expect((await bare(path, { host: 'localhost' })).status).toBeGreaterThanOrEqual(400);
      expect((await bare(path, { host: 'localhost' })).status).toBeLessThan(500);
    }
    const huge = await server.fetch('/api/conversations', { body: { x: 'y'.repeat(1_100_000) } });
    expect([huge.status, await huge.json()]).toMatchObject([413, { error: { code: 'body_too_large' } }]);
    const polluted = await bare(
      '/api/conversations',
      { host: 'localhost', cookie: await server.cookie(), 'content-type': 'application/json' },
      'POST',
      '{"__proto__":{"x":1}}',
    );
    expect(polluted.status).toBe(400);
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
    const stored = (await server.messages(conversation))
      .filter(({ role }) => role === 'user')
      .map((one) => one.content);
    // What cannot be stored becomes what the asker is told.
    expect(stored).toEqual(contents.map((content) => content.replace(/\0|\p{Surrogate}/gu, '\ufffd')));
    expect(stored).toEqual(told);
  });
});
