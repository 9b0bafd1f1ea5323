/** Several models behind one server: who answers whom, who is loaded, and what is kept with each answer. */
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest, Message, ModelChoice } from '@parley/contracts';
import Fastify from 'fastify';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMetrics } from '../http/metrics.ts';
import {
  collect,
  newHome,
  startTestServer,
  type TestServer,
  temporaryFolder,
  tinyModel,
  until,
  workersOf,
} from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName, writeTinyModel } from '../testing/tiny-model.ts';
import { ModelPool } from './pool.ts';

const folders = new Map<string, string>();
beforeAll(() => {
  folders.set('one', tinyModel());
  for (const id of ['two', 'three']) {
    const folder = join(temporaryFolder(id), id);
    cpSync(tinyModel(), folder, { recursive: true });
    folders.set(id, folder);
  }
});

const job = (maxTokens: number) => ({
  messages: [{ role: 'user' as const, content: 'Recite' }],
  answer: [],
  dropOldestTurns: true,
  sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, maxTokens, stop: [], seed: 1 },
  topLogProbabilities: null,
});

describe('a pool', () => {
  let pool: ModelPool;
  beforeAll(async () => {
    const folderOf = async (id: string) => folders.get(id)!;
    const log = Fastify().log;
    pool = new ModelPool({ folderOf, idleWorkers: 2, slots: 2, log, metrics: createMetrics() });
    pool.adopt('one', folders.get('one')!, await pool.load(folders.get('one')!));
    pool.serve({ id: 'd1', model: 'one', challenger: null, challengerPercent: 0 });
  });
  afterAll(() => pool.close());

  test('a model is loaded when first asked for, once, under its own name', async () => {
    expect(pool.loaded).toEqual(['one']);
    const [two, again] = await Promise.all([pool.model('two'), pool.model('two')]);
    expect(two).toMatchObject({ id: 'two', context: tinyModelContext });
    expect(again).toEqual(two);
    expect((await pool.model()).id).toBe('one');
    expect(pool.loaded).toEqual(['two', 'one']);
    expect(workersOf(process.pid)).toHaveLength(2);
  });

  test('beyond the limit the one asked least recently goes, and never the deployed or a busy one', async () => {
    await pool.model('three');
    await until(() => workersOf(process.pid).length === 2);
    expect(pool.loaded.sort()).toEqual(['one', 'three']);

    // More than it can finish while another model is loaded.
    const writing = Array.from({ length: 40 }, () => pool.generate('three', job(tinyModelContext)));
    await writing[0]!.accepted;
    await pool.model('two');
    expect(pool.loaded.sort()).toEqual(['one', 'three', 'two']);
    for (const generation of writing) generation.cancel();
    await until(() => workersOf(process.pid).length === 2);
    expect(pool.loaded.sort()).toEqual(['one', 'two']);
  });

  test('a job whose worker was closed meanwhile gets a new one', async () => {
    const reading = pool.generate('three', job(5)).read();
    let next = await reading.next();
    while (!next.done) next = await reading.next();
    expect(next.value).toBe('length');
  });

  test('two models share the conversations as the deployment says, each conversation staying with its own', () => {
    const conversations = Array.from({ length: 2000 }, (_, index) => `conversation ${index}`);
    const share = (challengerPercent: number) => {
      pool.serve({ id: 'd2', model: 'one', challenger: 'two', challengerPercent });
      return new Set(conversations.filter((id) => pool.modelFor(id) === 'two'));
    };
    const [third, half] = [share(30), share(50)];
    // Four standard deviations of a binomial.
    expect(Math.abs(third.size / 2000 - 0.3)).toBeLessThan(0.041);
    expect(Math.abs(half.size / 2000 - 0.5)).toBeLessThan(0.045);
    for (const id of third) expect(half).toContain(id);
    expect([share(0).size, share(100).size]).toEqual([0, 2000]);
  });
});

describe('a server', () => {
  const home = newHome();
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ home });
  });
  afterAll(() => server.close());

  const ask = async (): Promise<Message> => {
    const conversation = await server.newConversation();
    const events = await collect(server.ask(conversation, { content: 'Recite', sampling: { maxTokens: 5 } }));
    return (events.at(-1) as { answer: Message }).answer;
  };
  const deployed = async () =>
    (await server.json<{ models: ModelChoice[] }>('/api/models')).models.map(({ id, deployed }) => [id, deployed]);

  test('registers and deploys the folder that it is started with', async () => {
    expect(await deployed()).toEqual([[tinyModelName, true]]);
    expect((await ask()).model).toBe(tinyModelName);
  });

  test('deploys a folder that is new, and keeps that when it is started with the old one again', async () => {
    await server.close();
    const second = writeTinyModel({ context: 128, idleLayers: 1 });
    server = await startTestServer({ home, modelFolder: second });
    const { weightsHash } = JSON.parse(readFileSync(join(second, 'manifest.json'), 'utf8')) as Manifest;
    // Both are called 'tiny': the second is told apart by its hash.
    const name = `${tinyModelName}-${weightsHash.slice(0, 6)}`;
    expect(await deployed()).toEqual([
      [name, true],
      [tinyModelName, false],
    ]);
    await server.close();
    server = await startTestServer({ home });
    expect((await deployed())[0]).toEqual([name, true]);
    expect((await ask()).model).toBe(name);

    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([name, tinyModelName]);
    const messages = [{ role: 'user' as const, content: 'Recite' }];
    const answer = await client.chat.completions.create({ model: tinyModelName, messages, max_tokens: 5 });
    expect(answer.model).toBe(tinyModelName);

    await server.close();
    renameSync(second, `${second}-gone`);
    server = await startTestServer({ home });
    expect((await ask()).model).toBe(tinyModelName);
  });

  test('a model that cannot be loaded is told in one line, and the others go on', async () => {
    await server.close();
    const broken = writeTinyModel({ name: 'broken', context: 128, idleLayers: 2 });
    server = await startTestServer({ home, modelFolder: broken });
    await server.close();
    server = await startTestServer({ home });
    writeFileSync(join(broken, 'model.safetensors'), 'nothing');
    await server.close();
    server = await startTestServer({ home });
    expect((await ask()).model).toBe(tinyModelName);
    const response = await server.fetch('/v1/chat/completions', {
      body: { model: 'broken', messages: [{ role: 'user', content: 'Hi' }] },
    });
    expect(response.status).toBe(503);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(
      /'broken' cannot be loaded: /,
    );
  });
});
