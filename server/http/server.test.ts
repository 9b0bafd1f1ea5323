/** What every route has in common: who may ask, what bad input gets, how the page is served. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../index.ts';
import { newHome, startTestServer, type TestServer, temporaryFolder, tinyModel } from '../testing/test-server.ts';
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
    expect((await page('/', { method: 'HEAD' })).status).toBe(200);
    expect((await page('/', { method: 'DELETE' })).status).toBe(404);
  });

  test('is for whoever takes anything, and no answer to who asks for JSON', async () => {
    const typeFor = async (path: string, accept: string) => {
      const response = await server.fetch(path, { headers: { accept } });
      return [response.status, response.headers.get('content-type')!.split(';')[0]];
    };
    for (const path of ['/', '/c/0199aaaa']) {
      expect(await typeFor(path, '*/*')).toEqual([200, 'text/html']);
      expect(await typeFor(path, 'application/json')).toEqual([404, 'application/json']);
      expect(await typeFor(path, 'application/json, text/plain, */*')).toEqual([404, 'application/json']);
    }
    expect(await typeFor('/assets/gone.js', '*/*')).toEqual([404, 'application/json']);
    expect(await typeFor('/api/nothing', '*/*')).toEqual([404, 'application/json']);
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
