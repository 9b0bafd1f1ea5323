/**
 * Server-sent events with backpressure: the source is asked for the next event only when the socket has
 * taken the last one, so a slow reader holds up nobody but itself.
 */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';

const pingEveryMilliseconds = 15_000;
/** A reader that takes nothing for this long is gone, whatever its socket says. */
const stallLimitMilliseconds = 60_000;

/** One event of a stream; with an id, a reader that comes back can say from where (Last-Event-ID). */
export function event(data: unknown, id?: string): string {
  const named = id === undefined ? '' : `id: ${id}\n`;
  return `${named}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/**
 * Answers with a stream of events until the source ends or the client leaves.
 * @param source gives events ready to write; its signal fires when the client has gone
 */
export async function sendEvents(
  reply: FastifyReply,
  source: (gone: AbortSignal) => AsyncIterable<string>,
): Promise<void> {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();

  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  raw.on('error', () => gone.abort());
  const ping = setInterval(() => {
    if (!raw.writableNeedDrain) raw.write(': ping\n\n');
  }, pingEveryMilliseconds);
  try {
    for await (const chunk of source(gone.signal)) {
      if (gone.signal.aborted) break;
      if (!raw.write(chunk)) await drained(reply, gone.signal);
    }
  } catch (error) {
    if (!gone.signal.aborted) reply.log.error(error, 'an event stream broke');
  } finally {
    clearInterval(ping);
    raw.end();
  }
}

async function drained({ raw }: FastifyReply, gone: AbortSignal): Promise<void> {
  const stalled = setTimeout(() => raw.destroy(), stallLimitMilliseconds);
  try {
    await once(raw, 'drain', { signal: gone });
  } finally {
    clearTimeout(stalled);
  }
}
