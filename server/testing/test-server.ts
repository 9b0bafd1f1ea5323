/** A real server on a real port, with the tiny model, for the tests of this folder. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AccountRole, Conversation, Message, SendRequest, Session, StreamEvent } from '@parley/contracts';
import { afterAll } from 'vitest';
import type { DeclaredRoute } from '../accounts/access.ts';
import { type RunningServer, type ServerOptions, startServer } from '../index.ts';
import { databaseUrlOf } from './test-database.ts';
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
  const databaseUrl = await databaseUrlOf(home);
  const defaults = { port: 0, modelFolder: tinyModel(), home, databaseUrl, drainMilliseconds: 0 };
  const server = await startServer({ ...defaults, ...options });
  return new TestServer(server, home);
}

const password = 'a password for tests';

/** A server as one person sees it. The administrator's account is made, or signed in to, when it is first needed. */
export class TestServer {
  readonly url: string;
  readonly home: string;
  readonly routes: readonly DeclaredRoute[];
  readonly close: () => Promise<void>;
  readonly #email: string;
  #cookie: Promise<string> | null = null;

  constructor(
    server: Omit<RunningServer, 'routes'> & Partial<RunningServer>,
    home: string,
    email = 'administrator@example.org',
  ) {
    this.url = server.url;
    this.home = home;
    // Unknown of a server in a process of its own.
    this.routes = server.routes ?? [];
    this.close = server.close;
    this.#email = email;
  }

  /** The same server for somebody else, who gets an account of that role. */
  async person(name: string, role: AccountRole = 'user'): Promise<TestServer> {
    // Before anybody else: the first account is the administrator's.
    await this.cookie();
    const person = new TestServer(this, this.home, `${name.toLowerCase()}@example.org`);
    const { user } = await person.json<Session>('/api/session');
    if (role !== 'user') {
      await this.json(`/api/administration/accounts/${user!.id}`, { method: 'PATCH', body: { role } });
    }
    return person;
  }

  /** What the browser of the person sends with every request. */
  cookie(): Promise<string> {
    this.#cookie ??= this.#signIn();
    return this.#cookie;
  }

  async #signIn(): Promise<string> {
    const post = (path: string, body: object) =>
      fetch(this.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const account = { email: this.#email, password };
    const name = this.#email.split('@')[0];
    const registered = await post('/api/accounts', { ...account, name });
    const response = registered.ok ? registered : await post('/api/session', account);
    if (!response.ok) throw new Error(`${this.#email} could not sign in: ${await response.text()}`);
    return response.headers.get('set-cookie')!.split(';', 1)[0]!;
  }

  async fetch(path: string, { body, ...init }: Omit<RequestInit, 'body'> & { body?: unknown } = {}): Promise<Response> {
    const headers = {
      ...(path.startsWith('/api') && { cookie: await this.cookie() }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(init.headers as Record<string, string>),
    };
    return fetch(this.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      ...init,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
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
