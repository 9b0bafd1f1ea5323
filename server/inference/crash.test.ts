/** Nothing acknowledged is lost, and nobody waits for ever, when a process is killed without warning. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Conversation, Message, StreamEvent } from '@parley/contracts';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer } from '../index.ts';
import { databaseUrlOf, openTestDatabase, serverEnvironment } from '../testing/test-database.ts';
import {
  collect,
  newHome,
  startTestServer,
  TestServer,
  takeText,
  temporaryFolder,
  textOf,
  tinyModel,
  until,
  workersOf,
} from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';

const endless = { maxTokens: tinyModelContext, seed: 1 };
const isAlive = (processId: number) => {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
};

describe('when the worker is killed', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  test('running answers end with an error, HTTP goes on, and the next answers come from a new worker', async () => {
    const [worker] = workersOf(process.pid);
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Recite', sampling: endless });
    const head = await takeText(events, 40);
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
    const request = { model: tinyModelName, messages: [{ role: 'user' as const, content: 'Recite' }] };
    const streamed = (await client.chat.completions.create({ ...request, stream: true }))[Symbol.asyncIterator]();
    await streamed.next();

    process.kill(worker!, 'SIGKILL');
    const tail = await collect(events);
    expect(tail.at(-1)).toMatchObject({ type: 'error', message: expect.stringContaining('SIGKILL') });
    await expect(
      (async () => {
        while (!(await streamed.next()).done);
      })(),
    ).rejects.toThrow(/worker ended unexpectedly/);
    // Asked while there is no worker: waits for the new one.
    const waiting = client.chat.completions.create({ ...request, max_tokens: 10 });
    expect((await server.fetch('/healthz')).status).toBe(503);
    const [, answer] = await server.messages(conversation);
    expect(answer).toMatchObject({ status: 'interrupted', content: textOf([...head, ...tail]) });
    expect((await waiting).choices[0]!.finish_reason).toBe('length');
    expect((await server.fetch('/healthz')).status).toBe(200);
    expect(await server.metric('parley_worker_restarts_total')).toBe(1);
    expect(workersOf(process.pid)).not.toContain(worker);

    const resumed = await collect(
      server.events(`/api/messages/${answer!.id}/continue`, { body: { sampling: { maxTokens: 10 } } }),
    );
    const { answer: longer } = resumed.at(-1) as { answer: Message };
    expect(longer).toMatchObject({ status: 'length', content: answer!.content + textOf(resumed) });
  });

  test('a queued answer can be given up while there is no worker', async () => {
    for (const worker of workersOf(process.pid)) process.kill(worker, 'SIGKILL');
    await until(async () => (await server.fetch('/healthz')).status === 503);
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Never mind', sampling: endless });
    const { answer } = (await events.next()).value as { answer: Message };
    await server.fetch(`/api/messages/${answer.id}/stop`, { method: 'POST' });
    expect((await collect(events)).at(-1)).toMatchObject({
      type: 'done',
      answer: { status: 'cancelled', content: '' },
    });
    await until(async () => (await server.fetch('/healthz')).status === 200);
  });
});

describe('when the whole server is killed', () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const running: ChildProcess[] = [];
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  async function launch(home: string): Promise<{ child: ChildProcess; server: TestServer }> {
    const script = join(import.meta.dirname, '../testing/serve.ts');
    const child = spawn(process.execPath, ['--import', tsx, script, tinyModel(), home], {
      env: await serverEnvironment(home),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout!.once('data', (data) => resolve(String(data).trim()));
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    return { child, server: new TestServer({ url, close: async () => {} }, home) };
  }

  const kill = (child: ChildProcess, signal: NodeJS.Signals) => {
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return exited;
  };

  test('every acknowledged row is there after the restart, and cut answers can be continued', async () => {
    const home = newHome();
    const told = new Map<string, Message>();
    let cut: { id: string; seen: string; conversation: Conversation } | undefined;
    for (let round = 0; round < 2; round++) {
      const { child, server } = await launch(home);
      const [worker] = workersOf(child.pid!);
      for (const message of told.values()) {
        const stored = await server.messages({ id: message.conversationId } as Conversation);
        expect(stored.find(({ id }) => id === message.id)).toEqual(message);
      }
      if (cut) await expectContinuable(server, cut);

      const finished = await server.newConversation();
      const events = await collect(server.ask(finished, { content: `Round ${round}`, sampling: { maxTokens: 20 } }));
      const { question } = events[0] as { question: Message };
      const { answer } = events.at(-1) as { answer: Message };
      told.set(question.id, question).set(answer.id, answer);

      const conversation = await server.newConversation();
      const stream = server.ask(conversation, { content: 'Recite', sampling: endless });
      const head = await takeText(stream, 40);
      const { question: asked, answer: begun } = head[0] as { question: Message; answer: Message };
      told.set(asked.id, asked);
      let seen = textOf(head);
      // What came more than a flush ago is on the disk.
      await new Promise((resolve) => setTimeout(resolve, 250));
      cut = { id: begun.id, seen, conversation };
      await kill(child, 'SIGKILL');
      seen += textOf(await collectUntilBroken(stream));
      expect(seen.length).toBeGreaterThan(cut.seen.length);
      await until(() => !isAlive(worker!));
    }
    const { child, server } = await launch(home);
    await expectContinuable(server, cut!);
    expect(await kill(child, 'SIGTERM')).toBe(0);
  }, 180_000);

  async function expectContinuable(
    server: TestServer,
    { id, seen, conversation }: { id: string; seen: string; conversation: Conversation },
  ): Promise<void> {
    const message = (await server.messages(conversation)).find((candidate) => candidate.id === id)!;
    expect(message.status).toBe('interrupted');
    expect(message.content.startsWith(seen)).toBe(true);
    const events = await collect(
      server.events(`/api/messages/${id}/continue`, { body: { sampling: { maxTokens: 9 } } }),
    );
    expect(events.at(-1)).toMatchObject({ type: 'done', answer: { status: 'length' } });
    expect((events.at(-1) as { answer: Message }).answer.content).toBe(message.content + textOf(events));
  }

  test('SIGTERM lets a short answer end', async () => {
    const { child, server } = await launch(newHome());
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Recite', sampling: { maxTokens: 300, seed: 1 } });
    await takeText(events, 5);
    const exited = kill(child, 'SIGTERM');
    expect((await collect(events)).at(-1)).toMatchObject({ type: 'done', answer: { status: 'length' } });
    expect(await exited).toBe(0);
  });
});

test('closing marks what it cannot wait for as interrupted', async () => {
  const home = newHome();
  const first = await startTestServer({ home });
  const conversation = await first.newConversation();
  const events = first.ask(conversation, { content: 'Recite', sampling: endless });
  const head = await takeText(events, 30);
  const [tail] = await Promise.all([collect(events), first.close()]);
  expect(tail.at(-1)).toMatchObject({ type: 'error', message: 'The server is stopping.' });

  const second = await startTestServer({ home });
  expect((await second.messages(conversation))[1]).toMatchObject({
    status: 'interrupted',
    content: textOf([...head, ...tail]),
  });
  await second.close();
});

describe('a model that cannot be loaded', () => {
  const damaged = (damage: (folder: string) => void) => {
    const folder = join(temporaryFolder('damaged'), 'model');
    cpSync(tinyModel(), folder, { recursive: true });
    damage(folder);
    return folder;
  };
  test.each<[string, (folder: string) => void, RegExp]>([
    ['a folder that is not there', (folder) => rmSync(folder, { recursive: true }), /there is no folder/],
    [
      'truncated weights',
      (folder) => truncateSync(join(folder, 'model.safetensors'), 1000),
      /model\.safetensors|weights/,
    ],
    ['no tokenizer', (folder) => rmSync(join(folder, 'tokenizer.json')), /tokenizer\.json/],
    [
      'a bad recommendation',
      (folder) => writeFileSync(join(folder, 'generation_config.json'), '{"temperature":9}'),
      /generation_config\.json.*temperature/,
    ],
  ])('%s is one clear line', async (_name, damage, message) => {
    const home = newHome();
    const error = await startServer({
      port: 0,
      modelFolder: damaged(damage),
      home,
      databaseUrl: await databaseUrlOf(home),
    }).catch((cause) => cause);
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
    // Nothing is left running: the home is free again.
    await (await openTestDatabase(home)).close();
  });
});

async function collectUntilBroken(events: AsyncIterable<StreamEvent>): Promise<StreamEvent[]> {
  const all: StreamEvent[] = [];
  try {
    for await (const event of events) all.push(event);
  } catch {
    // The socket broke off, as it should.
  }
  return all;
}
