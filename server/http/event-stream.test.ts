import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, expect, test, vi } from 'vitest';
import { until } from '../testing/test-server.ts';
import { event, sendEvents } from './event-stream.ts';

let app: FastifyInstance;
afterEach(async () => {
  vi.useRealTimers();
  app.server.closeAllConnections();
  await app.close();
});

async function serve(source: (gone: AbortSignal) => AsyncIterable<string>): Promise<string> {
  app = Fastify();
  app.get('/', async (_request, reply) => sendEvents(reply.header('x-kept', 'yes'), source));
  return app.listen({ port: 0 });
}

/** A client that sends its request and then reads nothing. */
function connectUnread(): Socket {
  const { port } = app.server.address() as AddressInfo;
  const socket = connect(port).pause();
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  return socket;
}

test('headers that were set before are kept, and an event is one line of JSON', async () => {
  const url = await serve(async function* () {
    yield event({ text: 'two\nlines' });
    yield event('[DONE]');
  });
  const response = await fetch(url);
  expect(response.headers.get('x-kept')).toBe('yes');
  expect(await response.text()).toBe('data: {"text":"two\\nlines"}\n\ndata: [DONE]\n\n');
});

test('while nothing comes, pings keep the connection open', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let finish = () => {};
  const url = await serve(async function* () {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    yield event('late');
  });
  const response = await fetch(url);
  vi.advanceTimersByTime(31_000);
  finish();
  expect(await response.text()).toBe(': ping\n\n: ping\n\ndata: late\n\n');
});

test('a source is asked no faster than its reader reads, and told when the reader leaves', async () => {
  let asked = 0;
  let left = false;
  await serve(async function* (gone) {
    gone.addEventListener('abort', () => {
      left = true;
    });
    for (;;) {
      asked++;
      yield event('x'.repeat(100_000));
    }
  });
  const socket = connectUnread();
  await until(() => asked > 1);
  await sleep(200);
  const stalledAt = asked;
  await sleep(200);
  expect(asked).toBe(stalledAt);
  socket.resume();
  await until(() => asked > stalledAt + 10);
  socket.destroy();
  await until(() => left);
});

test('a reader that takes nothing for a minute is let go', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let asked = 0;
  let ended = false;
  await serve(async function* () {
    try {
      for (;;) {
        asked++;
        yield event('x'.repeat(1_000_000));
      }
    } finally {
      ended = true;
    }
  });
  connectUnread();
  await vi.waitUntil(() => asked > 1 && vi.getTimerCount() > 0);
  await vi.advanceTimersByTimeAsync(61_000);
  vi.useRealTimers();
  await until(() => ended);
});
