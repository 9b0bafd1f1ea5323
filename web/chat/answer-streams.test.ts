/** The life of an answer, against a server that is played here event by event. */
import type { Message, StreamEvent } from '@parley/contracts';
import { QueryClient } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { messagesQuery } from '../api/queries.ts';
import { ConnectionError, RequestError } from '../api/request.ts';
import { AnswerError, AnswerStreams } from './answer-streams.ts';

interface Played {
  path: string;
  method: string;
  send(...events: StreamEvent[]): void;
  /** An event with an id. */
  sendAt(id: string, event: StreamEvent): void;
  breakOff(): void;
  refuse(status: number, code: string): void;
}

let client: QueryClient;
let streams: AnswerStreams;
let requests: Played[];

beforeEach(() => {
  client = new QueryClient();
  streams = new AnswerStreams(client);
  requests = [];
  vi.stubGlobal('document', { visibilityState: 'hidden' });
  vi.stubGlobal('fetch', (path: string, init: RequestInit = {}) => play(path, init));
});
afterEach(() => vi.unstubAllGlobals());

function play(path: string, { method = 'GET', signal }: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const encoder = new TextEncoder();
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const response = new Response(readable);
    signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    requests.push({
      path,
      method,
      send(...events) {
        resolve(response);
        for (const event of events) void writer.write(encoder.encode(`data: ${JSON.stringify(event)}\n\n`));
      },
      sendAt(id, event) {
        resolve(response);
        void writer.write(encoder.encode(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`));
      },
      breakOff: () => void writer.close(),
      refuse: (status, code) => resolve(Response.json({ error: { message: code, code } }, { status })),
    });
    if (path.endsWith('/stop')) resolve(new Response(null, { status: 204 }));
    if (path.endsWith('/messages') && method === 'GET') resolve(Response.json({ messages: [] }));
  });
}

const message = (id: string, fields: Partial<Message> = {}): Message => ({
  id,
  conversationId: 'c',
  parentId: null,
  role: 'assistant',
  content: '',
  createdAt: 0,
  status: 'streaming',
  model: null,
  droppedTurns: 0,
  feedback: null,
  files: [],
  ...fields,
});
const question = message('q', { role: 'user', status: 'stop', content: 'Hi' });
const answer = message('a', { parentId: 'q' });
const start: StreamEvent = { type: 'start', question, answer };
const delta = (text: string): StreamEvent => ({ type: 'delta', text });
const done = (fields: Partial<Message> = {}): StreamEvent => ({
  type: 'done',
  answer: { ...answer, status: 'stop', ...fields },
});
const live = () => streams.get('c');
const stored = () => client.getQueryData(messagesQuery('c').queryKey);
const request = async (index: number) => {
  await expect.poll(() => requests.length).toBeGreaterThan(index);
  return requests[index]!;
};

function ask(): void {
  streams.run('c', { kind: 'send', request: { content: 'Hi' } });
}

test('an answer grows and then belongs to the stored messages', async () => {
  const ended: string[] = [];
  streams.onFinished(({ content }) => ended.push(content));
  ask();
  expect(live()?.phase).toBe('sending');
  requests[0]?.send(start, delta('Hel'), delta('lo'));
  await expect.poll(() => live()?.text).toBe('Hello');
  expect(live()?.phase).toBe('streaming');
  expect(stored()?.map(({ id }) => id)).toEqual(['q', 'a']);
  requests[0]?.send(done({ content: 'Hello' }));
  await expect.poll(live).toBeNull();
  expect(stored()?.at(-1)).toMatchObject({ content: 'Hello', status: 'stop' });
  expect(ended).toEqual(['Hello']);
});

test('one conversation writes one answer at a time', () => {
  ask();
  ask();
  expect(requests).toHaveLength(1);
  expect(streams.isBusy('c')).toBe(true);
  expect(streams.isBusy('other')).toBe(false);
});

test('a stream that breaks off is joined again, with what was missed meanwhile', async () => {
  ask();
  requests[0]?.send(start, delta('one '));
  await expect.poll(() => live()?.text).toBe('one ');
  requests[0]?.breakOff();
  await expect.poll(() => live()?.phase).toBe('reconnecting');
  expect(live()?.text).toBe('one ');
  await expect.poll(() => requests.some(({ path }) => path === '/api/messages/a/stream')).toBe(true);
  const joined = requests.find(({ path }) => path.endsWith('/stream'));
  joined?.send({ type: 'start', question: null, answer: { ...answer, content: 'one two ' } }, delta('three'));
  await expect.poll(() => live()?.text).toBe('one two three');
  joined?.send(done({ content: 'one two three' }));
  await expect.poll(live).toBeNull();
});

test('a stream that gave places is joined at the last one, and only what is new is read', async () => {
  ask();
  requests[0]?.sendAt('run.0', start);
  requests[0]?.sendAt('run.4', delta('one '));
  await expect.poll(() => live()?.text).toBe('one ');
  requests[0]?.breakOff();
  await expect.poll(() => requests.some(({ path }) => path === '/api/messages/a/stream?after=run.4')).toBe(true);
  const joined = requests.find(({ path }) => path.includes('/stream'));
  joined?.sendAt('run.7', delta('two'));
  await expect.poll(() => live()?.text).toBe('one two');
  expect(live()?.phase).toBe('streaming');
  joined?.sendAt('run.7', done({ content: 'one two' }));
  await expect.poll(live).toBeNull();
});

test('a refused question stays to be sent again', async () => {
  ask();
  requests[0]?.refuse(503, 'busy');
  await expect.poll(() => live()?.phase).toBe('failed');
  expect(live()?.error).toBeInstanceOf(RequestError);
  expect(streams.isBusy('c')).toBe(false);
  streams.retry('c');
  const again = requests.filter(({ method }) => method === 'POST');
  expect(again.map(({ path }) => path)).toEqual(['/api/conversations/c/messages', '/api/conversations/c/messages']);
  streams.abandon('c');
  expect(live()).toBeNull();
});

test('a question that never reached the server is not silently asked twice', async () => {
  ask();
  requests[0]?.send();
  requests[0]?.breakOff();
  await expect.poll(() => live()?.phase).toBe('failed');
  expect(live()?.error).toBeInstanceOf(ConnectionError);
  expect(requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test('a stop before the answer has a name is passed on when it has', async () => {
  ask();
  streams.stop('c');
  expect(live()?.phase).toBe('stopping');
  requests[0]?.send(start);
  expect((await request(1)).path).toBe('/api/messages/a/stop');
  requests[0]?.send(done({ status: 'cancelled' }));
  await expect.poll(live).toBeNull();
});

test('what the server says when it gives up is kept, and the stored answer is read anew', async () => {
  await client.prefetchQuery(messagesQuery('c'));
  ask();
  const sent = requests.find(({ method }) => method === 'POST');
  sent?.send(start, { type: 'error', message: 'out of memory' });
  await expect.poll(() => live()?.phase).toBe('failed');
  expect(live()?.error).toEqual(new AnswerError('out of memory'));
  expect(client.getQueryState(messagesQuery('c').queryKey)?.isInvalidated).toBe(true);
});

test('joining an answer that is no longer written there leaves the stored one', async () => {
  streams.run('c', { kind: 'attach', answer });
  requests[0]?.refuse(404, 'message_not_found');
  await expect.poll(live).toBeNull();
});
