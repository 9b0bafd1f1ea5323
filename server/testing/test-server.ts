/** A real server on a real port, with the tiny model, for the tests of this folder. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Conversation, Message, SendRequest, StreamEvent } from '@parley/contracts';
import { afterAll } from 'vitest';
import { type RunningServer, type ServerOptions, startServer } from '../index.ts';
import { writeTinyModel } from './tiny-model.ts';

const made: string[] = [];
let modelFolder: string | undefined;

// Registered first by whoever imports this, so it runs last, when the servers have closed.
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** Trained once per test file. */
export function tinyModel(): string {
  if (modelFolder === undefined) {
    modelFolder = writeTinyModel();
    made.push(dirname(modelFolder));
  }
  return modelFolder;
}

export function newHome(): string {
  return temporaryFolder('home');
}

/** Gone when the test file has ended. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `parley-${name}-`));
  made.push(folder);
  return folder;
}

export async function startTestServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const home = options.home ?? newHome();
  const server = await startServer({ port: 0, modelFolder: tinyModel(), home, drainMilliseconds: 0, ...options });
  return new TestServer(server, home);
}

export class TestServer {
  readonly url: string;
  readonly home: string;
  readonly close: () => Promise<void>;

  constructor({ url, close }: RunningServer, home: string) {
    this.url = url;
    this.home = home;
    this.close = close;
  }

  fetch(path: string, { body, ...init }: Omit<RequestInit, 'body'> & { body?: unknown } = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      ...init,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...init.headers },
      }),
    });
  }

  async json<T>(path: string, init: Parameters<TestServer['fetch']>[1] = {}): Promise<T> {
    const response = await this.fetch(path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  newConversation(): Promise<Conversation> {
    return this.json('/api/conversations', { method: 'POST' });
  }

  async messages(conversation: Conversation): Promise<Message[]> {
    return (await this.json<{ messages: Message[] }>(`/api/conversations/${conversation.id}/messages`)).messages;
  }

  /** Asks and gives the events as they come; `signal` hangs up. */
  ask(conversation: Conversation, body: SendRequest, signal?: AbortSignal): AsyncGenerator<StreamEvent> {
    return this.events(`/api/conversations/${conversation.id}/messages`, { body, signal });
  }

  async *events(path: string, init: Parameters<TestServer['fetch']>[1] = {}): AsyncGenerator<StreamEvent> {
    const response = await this.fetch(path, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    for await (const data of readEvents(response)) yield JSON.parse(data);
  }

  /** The value of a metric without labels. */
  async metric(name: string): Promise<number> {
    const text = await (await this.fetch('/metrics')).text();
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    if (value === undefined) throw new Error(`there is no metric ${name}`);
    return Number(value);
  }

  /** Waits until no answer is being written and none waits. Load is reported now and then; a job counts at once. */
  async idle(milliseconds?: number): Promise<void> {
    await until(async () => {
      const [active, queued] = [await this.metric('parley_active_slots'), await this.metric('parley_queued_requests')];
      return active === 0 && queued === 0;
    }, milliseconds);
  }
}

/** The data of each server-sent event. */
export async function* readEvents(response: Response): AsyncGenerator<string> {
  let text = '';
  for await (const part of response.body!.pipeThrough(new TextDecoderStream('utf-8', { fatal: true }))) {
    text += part;
    const events = text.split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) yield data.slice('data: '.length);
    }
  }
}

/** Reads until the answer has at least `characters` of text, then gives what was read. */
export async function takeText(events: AsyncIterator<StreamEvent>, characters: number): Promise<StreamEvent[]> {
  const taken: StreamEvent[] = [];
  let length = 0;
  while (length < characters) {
    const { value, done } = await events.next();
    if (done) break;
    taken.push(value);
    if (value.type === 'delta') length += value.text.length;
  }
  return taken;
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

export function textOf(events: readonly StreamEvent[]): string {
  return events.map((event) => (event.type === 'delta' ? event.text : '')).join('');
}

/** Asks again and again until it holds. */
export async function until(condition: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  const limit = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`still not true after ${milliseconds} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The inference workers that a process has started. */
export function workersOf(processId: number): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args=']).toString().split('\n');
  return lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .flatMap((match) =>
      match && Number(match[2]) === processId && match[3]!.includes('inference/worker.ts') ? [Number(match[1])] : [],
    );
}
