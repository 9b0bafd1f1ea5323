/** No job is lost and no two run at once, whatever is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Job } from '@parley/contracts';
import { startOf } from '@parley/lm/checkpoint';
import Fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OpenDatabase } from '../db/database.ts';
import { writeCountingJob } from '../testing/counting-job.ts';
import { openTestDatabase, serverEnvironment } from '../testing/test-database.ts';
import { newHome, TestServer, temporaryFolder, tinyModel, until } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';
import { JobRunner } from './job-runner.ts';
import { JobStore } from './job-store.ts';
import type { JobRow } from './tables.ts';

let home: string;
let database: OpenDatabase;
let store: JobStore;
const runners: JobRunner[] = [];

beforeEach(async () => {
  home = newHome();
  database = await openTestDatabase(home);
  store = new JobStore(database.db);
});
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.close(5_000)));
  await database.close();
});

const cli = writeCountingJob(temporaryFolder('cli'));

/** @param place the home, as this server calls it */
function start(place = home): JobRunner {
  const runner = new JobRunner({
    ...{ store, home: place, cli, log: Fastify().log },
    argumentsOf: async ({ name, settings }) => {
      return ['--out', join(home, 'runs', name), '--epochs', String(JSON.parse(settings).epochs)];
    },
    onDone: async () => {},
    heartbeatMilliseconds: 20,
  });
  runners.push(runner);
  runner.start();
  return runner;
}

const add = (name: string, epochs: number) => store.add({ recipe: 'sft', name, settings: { epochs }, user: null });

async function reaches(id: string, state: JobRow['state']): Promise<JobRow> {
  await until(async () => (await store.get(id)).state === state, 30_000);
  return store.get(id);
}

async function processOf(id: string): Promise<number> {
  await until(async () => (await store.get(id)).process_id !== null, 30_000);
  return (await store.get(id)).process_id!;
}

/** Steps of ten milliseconds: a busy machine, too, sees such a job before it has ended. */
const long = 300;

const steps = (name: string) => readdirSync(join(home, 'runs', name, 'checkpoints')).length;
const stepsReach = (name: string, count: number) => until(() => safely(() => steps(name)) >= count, 30_000);
const safely = (read: () => number): number => {
  try {
    return read();
  } catch {
    return 0;
  }
};

/** In the order in which things happened: who began, who ended. */
const notes = () =>
  readFileSync(join(home, 'runs', 'notes.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as ['begin' | 'end', string]);

test('jobs run one at a time, the oldest first, each once', async () => {
  const jobs = [await add('one', 8), await add('two', 5), await add('three', 3)];
  start();
  // Another server that sees the same runs: by the name of its home it is not the first one come back.
  const elsewhere = join(temporaryFolder('elsewhere'), 'home');
  symlinkSync(home, elsewhere);
  start(elsewhere);
  for (const { id } of jobs) await reaches(id, 'done');
  const order = notes();
  expect(order.map(([what]) => what)).toEqual(['begin', 'end', 'begin', 'end', 'begin', 'end']);
  for (let at = 0; at < order.length; at += 2) expect(order[at]![1]).toBe(order[at + 1]![1]);
  expect([steps('one'), steps('two'), steps('three')]).toEqual([8, 5, 3]);
  for (const { id } of jobs) expect(await store.get(id)).toMatchObject({ attempts: 1, error: null, worker: null });
});

describe('a process that is killed', () => {
  test('is begun again and goes on from its checkpoint', async () => {
    const { id } = await add('killed', long);
    start();
    const process_id = await processOf(id);
    await stepsReach('killed', 5);
    process.kill(process_id, 'SIGKILL');
    const row = await reaches(id, 'done');
    expect(row).toMatchObject({ attempts: 2, error: null });
    expect(steps('killed')).toBe(long);
    expect(notes().filter(([what]) => what === 'begin')).toHaveLength(2);
  });

  test('three times without getting anywhere has failed, and others have their turn meanwhile', async () => {
    const { id } = await add('crashing', 5);
    const other = await add('other', 2);
    start();
    await reaches(other.id, 'done');
    const row = await reaches(id, 'failed');
    expect(row.error).toBe('The process was ended by SIGKILL. That happened 3 times in a row.');
    expect(notes().filter(([what]) => what === 'begin')).toHaveLength(4);
  });
});

test('a command that fails is not tried again and says why; a person may', async () => {
  const { id } = await add('failing', 5);
  start();
  expect(await reaches(id, 'failed')).toMatchObject({ error: 'the numbers are used up; get more', attempts: 1 });
  await store.resume(id);
  await until(() => notes().filter(([what]) => what === 'end').length === 2);
  expect(await reaches(id, 'failed')).toMatchObject({ attempts: 1 });
});

describe('stopping', () => {
  test('lets the process save what it has; resuming goes on from there', async () => {
    const { id } = await add('stopped', long);
    const runner = start();
    await stepsReach('stopped', 3);
    await store.requestStop(id);
    await runner.nudge();
    const row = await reaches(id, 'stopped');
    expect(row).toMatchObject({ stop_requested: 0, error: null, process_id: null });
    const reached = steps('stopped');
    expect(reached).toBeLessThan(long);
    await store.resume(id);
    await runner.nudge();
    await reaches(id, 'done');
    expect(steps('stopped')).toBe(long);
    expect(notes().map(([what]) => what)).toEqual(['begin', 'end', 'begin', 'end']);
  });

  test('a job that waits never begins; one that is done, runs or waits cannot be resumed', async () => {
    const first = await add('first', 20);
    const waiting = await add('waiting', 3);
    start();
    await processOf(first.id);
    await expect(store.resume(first.id)).rejects.toMatchObject({ statusCode: 409 });
    await expect(store.resume(waiting.id)).rejects.toMatchObject({ statusCode: 409 });
    await expect(store.remove(first.id)).rejects.toMatchObject({ statusCode: 409 });
    expect((await store.requestStop(waiting.id)).state).toBe('stopped');
    await reaches(first.id, 'done');
    await expect(store.resume(first.id)).rejects.toMatchObject({ statusCode: 409 });
    expect((await store.get(waiting.id)).attempts).toBe(0);
  });

  test('the server stops: the job saves what it has, waits, and goes on with the next server', async () => {
    const { id } = await add('resting', long);
    const runner = start();
    await stepsReach('resting', 3);
    await runner.close(10_000);
    expect(await store.get(id)).toMatchObject({ state: 'queued', attempts: 0 });
    const reached = steps('resting');
    start();
    await reaches(id, 'done');
    expect(reached).toBeLessThan(long);
    expect(steps('resting')).toBe(long);
  });
});

describe('the queue', () => {
  test('of many who claim at once, one gets the job, and nobody another while it runs', async () => {
    const { id } = await add('wanted', 1);
    await add('next', 1);
    const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => store.claim(`worker ${index}`, 1_000)));
    expect(claims.filter((claim) => claim !== null).map((claim) => claim.id)).toEqual([id]);
    expect(await store.claim('late', 1_000)).toBeNull();
    // Even a claim that did not look first: the database refuses it.
    const bold = database.db.updateTable('jobs').set({ state: 'running' }).where('name', '=', 'next').execute();
    await expect(bold).rejects.toThrow(/UNIQUE|unique/);
  });

  test('a lease that runs out gives the job to another, and its first holder can do nothing to it any more', async () => {
    const { id } = await add('leased', 1);
    await store.claim('first', 60);
    expect(await store.takeOver('second', 1_000)).toBeNull();
    expect(await store.heartbeat(id, 'first', 60)).not.toBeNull();
    await until(async () => (await store.takeOver('second', 60_000)) !== null);
    expect(await store.heartbeat(id, 'first', 1_000)).toBeNull();
    expect(await store.settle(id, 'first', { state: 'done' })).toBe(false);
    expect(await store.settle(id, 'second', { state: 'done' })).toBe(true);
  });

  test('a name is used once', async () => {
    await add('same', 1);
    await expect(add('same', 1)).rejects.toMatchObject({ statusCode: 409, code: 'name_taken' });
  });
});

describe('when the server is killed', () => {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const servers: ChildProcess[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.kill('SIGKILL');
  });

  async function launch(): Promise<{ server: TestServer; kill: () => Promise<unknown> }> {
    const script = join(import.meta.dirname, '../testing/serve.ts');
    const child = spawn(process.execPath, ['--import', tsx, script, tinyModel(), home, cli], {
      env: await serverEnvironment(home),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    servers.push(child);
    const url = await new Promise((resolve) => child.stdout!.once('data', (data) => resolve(String(data).trim())));
    const kill = () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      return ended;
    };
    return { server: new TestServer({ url: url as string, close: async () => {} }, home), kill };
  }

  /** A job of a server that is then killed. */
  async function orphan(name: string): Promise<{ id: string; process_id: number }> {
    await database.close();
    mkdirSync(join(home, 'data'));
    writeFileSync(join(home, 'data', 'talks.jsonl'), '');
    const { server, kill } = await launch();
    const settings = { model: `model:${tinyModelName}`, data: 'data:talks.jsonl', epochs: 500 };
    const { id } = await server.json<Job>('/api/lab/jobs', { body: { recipe: 'sft', name, settings } });
    await stepsReach(name, 3);
    await kill();
    database = await openTestDatabase(home);
    store = new JobStore(database.db);
    const { process_id, state } = await store.get(id);
    expect(state).toBe('running');
    return { id, process_id: process_id! };
  }

  test('its job goes on, and the next server finds it again and may stop it', async () => {
    const { id, process_id } = await orphan('orphan');
    const before = steps('orphan');
    await stepsReach('orphan', before + 5);
    const runner = start();
    await until(async () => (await store.get(id)).heartbeat_at! > Date.now() - 500);
    expect(await processOf(id)).toBe(process_id);
    await store.requestStop(id);
    await runner.nudge();
    expect(await reaches(id, 'stopped')).toMatchObject({ attempts: 1 });
    expect(notes().map(([what]) => what)).toEqual(['begin', 'end']);
  });

  test('and its job with it, the next server begins it again', async () => {
    const { id, process_id } = await orphan('orphan');
    process.kill(process_id, 'SIGKILL');
    const before = steps('orphan');
    const runner = start();
    await stepsReach('orphan', before + 5);
    expect(await processOf(id)).not.toBe(process_id);
    await store.requestStop(id);
    await runner.nudge();
    await reaches(id, 'stopped');
    expect(notes().map(([what]) => what)).toEqual(['begin', 'begin', 'end']);
  });

  test('before it could note the process, the next server knows it by the lock of its run', async () => {
    const { id, process_id } = await orphan('orphan');
    // A recipe locks its run directory; the counting command does not, so the test does it in its name.
    const lock = { pid: process_id, host: hostname(), started: startOf(process_id) };
    writeFileSync(join(home, 'runs', 'orphan', 'lock.1'), JSON.stringify(lock));
    await database.db.updateTable('jobs').set({ process_id: null, process_started: null }).execute();
    start();
    expect(await processOf(id)).toBe(process_id);
    process.kill(process_id, 'SIGINT');
  });
});
