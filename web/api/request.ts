/** One place where the page talks HTTP: every answer is checked against its contract, every failure is typed. */
import { type StreamEvent, streamEventSchema } from '@parley/contracts';
import { readEvents } from './event-stream.ts';

interface Schema<Value> {
  parse(input: unknown): Value;
}

/** The server answered, but not with success. `code` is the server's own word for it. */
export class RequestError extends Error {
  override name = 'RequestError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** No answer, or a stream that broke off: the network or the server is gone. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
}

export async function request<Value>(path: string, schema: Schema<Value>, init: RequestInit = {}): Promise<Value> {
  const response = await send(path, init);
  return schema.parse(await response.json());
}

/** For routes that answer 204. */
export async function requestNothing(path: string, init: RequestInit): Promise<void> {
  await send(path, init);
}

export interface ReceivedEvent {
  event: StreamEvent;
  /** Names the place in the stream after this event: whoever joins again goes on from there. */
  id: string | null;
}

/**
 * Yields the events of a streaming route, the last being 'done' or 'error'. Throws ConnectionError if the stream
 * ends before that, RequestError if the server refuses.
 */
export async function* requestEvents(path: string, init: RequestInit): AsyncGenerator<ReceivedEvent, void> {
  const response = await send(path, { ...init, headers: { accept: 'text/event-stream', ...init.headers } });
  if (!response.body) throw new ConnectionError('The server sent no body.');
  const events = readEvents(response.body);
  try {
    for await (const { data, id } of events) {
      const event = streamEventSchema.parse(JSON.parse(data));
      yield { event, id };
      if (event.type === 'done' || event.type === 'error') return;
    }
  } catch (error) {
    // A broken body arrives as a TypeError from the reader; a cancelled one keeps its AbortError.
    throw error instanceof TypeError ? new ConnectionError(error.message) : error;
  }
  throw new ConnectionError('The stream ended in mid-answer.');
}

export function jsonBody(body: unknown): RequestInit {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

export async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ConnectionError(error instanceof Error ? error.message : String(error));
  }
  if (response.ok) return response;
  throw await refusalOf(response);
}

async function refusalOf(response: Response): Promise<RequestError | ConnectionError> {
  const body: unknown = await response.json().catch(() => null);
  if (typeof body === 'object' && body !== null && 'error' in body) {
    const { message, code } = body.error as { message?: unknown; code?: unknown };
    return new RequestError(response.status, String(code ?? 'unknown'), String(message ?? response.statusText));
  }
  // A gateway in front of a server that is down answers for it, without our error body.
  if (response.status >= 502 && response.status <= 504) return new ConnectionError(response.statusText);
  return new RequestError(response.status, 'unknown', response.statusText);
}
