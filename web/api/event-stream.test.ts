import { expect, test } from 'vitest';
import { readEvents } from './event-stream.ts';

function streamOf(chunks: Uint8Array[], onCancel = () => {}): ReadableStream<Uint8Array> {
  const queue = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = queue.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: onCancel,
  });
}

async function eventsOf(text: string, cuts: number[] = []): Promise<string[]> {
  const bytes = new TextEncoder().encode(text);
  const edges = [0, ...cuts, bytes.length];
  const chunks = edges.slice(1).map((end, index) => bytes.slice(edges[index], end));
  const events: string[] = [];
  for await (const { data } of readEvents(streamOf(chunks))) events.push(data);
  return events;
}

test('reads one datum per event and skips comments and other fields', async () => {
  expect(await eventsOf(': hello\nid: 7\nevent: x\ndata: {"a":1}\n\ndata:b\n\n\n\n')).toEqual(['{"a":1}', 'b']);
});

test('joins the lines of an event and keeps all but one leading space', async () => {
  expect(await eventsOf('data: one\ndata:  two\ndata:\n\n')).toEqual(['one\n two\n']);
});

test('every cut of the bytes gives the same events', async () => {
  const text = 'data: {"text":"你好, naïve 🙂"}\r\n\r\ndata: b\rdata: c\r\rdata: d\n\n';
  const whole = ['{"text":"你好, naïve 🙂"}', 'b\nc', 'd'];
  const length = new TextEncoder().encode(text).length;
  expect(await eventsOf(text)).toEqual(whole);
  for (let cut = 1; cut < length; cut++) expect(await eventsOf(text, [cut])).toEqual(whole);
  expect(
    await eventsOf(
      text,
      Array.from({ length: length - 1 }, (_, index) => index + 1),
    ),
  ).toEqual(whole);
});

test('an event without its blank line is dropped', async () => {
  expect(await eventsOf('data: a\n\ndata: half')).toEqual(['a']);
});

test('leaving the loop cancels the stream', async () => {
  let cancelled = false;
  const stream = streamOf([new TextEncoder().encode('data: a\n\n'), new TextEncoder().encode('data: b\n\n')], () => {
    cancelled = true;
  });
  for await (const event of readEvents(stream)) {
    expect(event).toEqual({ data: 'a', id: null });
    break;
  }
  expect(cancelled).toBe(true);
});

test('an event has the last id that was given', async () => {
  const text = 'data: a\n\nid: run.1\ndata: b\n\ndata: c\n\nid:run.2\ndata: d\n\n';
  const ids: (string | null)[] = [];
  for await (const { id } of readEvents(streamOf([new TextEncoder().encode(text)]))) ids.push(id);
  expect(ids).toEqual([null, 'run.1', 'run.1', 'run.2']);
});
