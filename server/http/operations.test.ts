/** What an operator relies on: health, bounded metrics, logs without anything that people wrote. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer, textOf, until } from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
const lines: string[] = [];

beforeAll(async () => {
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(...String(chunk).trim().split('\n'));
      done();
    },
  });
  server = await startTestServer({ logger: pino({ level: 'trace' }, sink) });
});
afterAll(() => server.close());

const metrics = async () => (await server.fetch('/metrics')).text();
const completion = (content: string) => ({
  model: tinyModelName,
  messages: [{ role: 'user', content }],
  max_tokens: 5,
});

describe('logs', () => {
  test('have one line of JSON per request, found by the id that the client got', async () => {
    const response = await server.fetch('/v1/chat/completions', { body: completion('hello') });
    await response.text();
    const id = response.headers.get('x-request-id');
    await until(() => lines.some((line) => line.includes(id!)));
    const [line] = lines.filter((text) => text.includes(id!));
    expect(JSON.parse(line!)).toMatchObject({
      requestId: id,
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      milliseconds: expect.any(Number),
    });
  });

  test('hold nothing that people wrote, no keys and no cookies, whatever goes wrong', async () => {
    const secret = 'Xyzzy-plugh';
    const headers = { authorization: `Bearer ${secret}`, cookie: `session=${secret}`, 'user-agent': secret };
    const conversation = await server.newConversation();
    const events = await collect(
      server.ask(conversation, { content: `${secret} in a message`, sampling: { maxTokens: 3 } }),
    );
    expect(events.at(-1)?.type).toBe('done');
    await server.fetch('/v1/chat/completions', { body: completion(secret), headers });
    await server.fetch('/v1/completions', { body: { model: tinyModelName, prompt: secret, stop: 5 }, headers });
    await server.fetch('/v1/embeddings', { body: { model: secret, input: secret }, headers });
    await server.fetch(`/api/search?q=${secret}`, { headers });
    await server.fetch(`/${secret}?${secret}`, { headers });
    const broken = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } };
    await fetch(`${server.url}/v1/chat/completions`, { ...broken, body: `{"x": ${secret}` });
    await fetch(`${server.url}/api/session`, { ...broken, body: JSON.stringify({ email: 'a@b.c', password: secret }) });
    await server.idle();
    const logged = lines.length;
    await server.fetch('/healthz');
    await until(() => lines.length > logged);
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
    expect(lines.filter((line) => line.includes(textOf(events).slice(0, 20)))).toEqual([]);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  });
});

describe('metrics', () => {
  test('have figures for requests, answers, waiting and the process', async () => {
    await server.json('/v1/chat/completions', { body: completion('hello') });
    await server.idle();
    const text = await metrics();
    for (const name of [
      'parley_http_requests_total{method="POST",route="/v1/chat/completions",status="200"}',
      'parley_http_request_duration_seconds_bucket{le="0.05",method="POST",route="/v1/chat/completions"}',
      'parley_time_to_first_token_seconds_count',
      'parley_tokens_generated_total',
      'parley_queued_requests 0',
      'parley_slots',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ]) {
      expect(text).toContain(name);
    }
  });

  test('have no more labels, whatever addresses and methods are asked for', async () => {
    const series = async () => (await metrics()).split('\n').filter((line) => line.startsWith('parley_http')).length;
    const askAll = async (names: string[]) => {
      for (const name of names) {
        await (await server.fetch(`/nowhere/${name}`)).text();
        await (await server.fetch(`/api/conversations/${name}`)).text();
        await (await server.fetch(`/v1/models/${name}`)).text();
        await (await server.fetch(`/x/${name}`, { method: name === 'a' ? 'PROPFIND' : 'REPORT' })).text();
      }
    };
    await askAll(['a', 'b']);
    const before = await series();
    await askAll(Array.from({ length: 20 }, (_, index) => `other-${index}`));
    expect(await series()).toBe(before);
  });

  test('count what is open, and clients that hang up as gone', async () => {
    const abort = new AbortController();
    const body = { ...completion('x'), max_tokens: tinyModelContext, stream: true };
    const stream = await server.fetch('/v1/chat/completions', { body, signal: abort.signal });
    expect(stream.ok).toBe(true);
    // The question for the figures is open itself.
    expect(await server.metric('parley_http_open_requests')).toBe(2);
    abort.abort();
    await until(async () => (await server.metric('parley_http_open_requests')) === 1);
  });

  test('are not for everybody from elsewhere', async () => {
    const response = await server.fetch('/metrics', { headers: { 'x-forwarded-for': '203.0.113.5' } });
    expect(response.status).toBe(401);
  });
});

describe('health', () => {
  test('is told apart from readiness, and the end is announced', async () => {
    const other = await startTestServer({ drainMilliseconds: 20_000 });
    expect(await other.json('/healthz/live')).toEqual({ status: 'ok' });
    expect(await other.json('/healthz')).toEqual({ status: 'ok' });
    const body = { ...completion('x'), max_tokens: 400, stream: true };
    const stream = await other.fetch('/v1/chat/completions', { body });
    const closing = other.close();
    const health = await other.fetch('/healthz');
    expect(health.status).toBe(503);
    expect(await health.json()).toEqual({ status: 'the server is stopping' });
    expect((await other.fetch('/healthz/live')).status).toBe(200);
    expect((await other.fetch('/v1/chat/completions', { body })).status).toBe(503);
    // What was under way is written to its end.
    expect(await stream.text()).toContain('"finish_reason":"length"');
    await closing;
  });
});
