import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunDirectory } from './run-directory.ts';
import { lockFolder, RunLockedError } from './run-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-run-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const config = { out: 'x', seed: 1, learningRate: 1e-3, nested: { a: [1, 2] } };
const metric = (step: number) => ({ step, stage: 'pretrain', loss: 1 / step, seconds: step });
const content = (step: number) => ({
  step,
  seconds: step * 2,
  arrays: { values: Float32Array.of(step, 2), firstMoment: Float32Array.of(3) },
  state: { random: `state-${step}`, optimizerSteps: step },
});

/** A process that takes the folder's lock, says 'locked' or the error, and then waits to be killed. */
async function startHolder(): Promise<{ child: ChildProcess; said: string }> {
  const script = join(folder, 'hold.mts');
  writeFileSync(
    script,
    `import { lockFolder } from ${JSON.stringify(new URL('run-lock.ts', import.meta.url).href)};
     try { lockFolder(${JSON.stringify(folder)}); console.log('locked'); setInterval(() => {}, 1000); } catch (error) { console.log(error.message); }`,
  );
  const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  return { child, said: String(said).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('the lock of a run directory', () => {
  it('refuses a second live process, naming the first, and takes over from a killed one', async () => {
    const { child, said } = await startHolder();
    expect(said).toBe('locked');
    expect(() => lockFolder(folder)).toThrow(RunLockedError);
    expect(() => lockFolder(folder)).toThrow(`in use by process ${child.pid}`);
    await kill(child);
    const lock = lockFolder(folder);
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual(['lock.2']);
    lock.release();
    expect(readdirSync(folder).filter((name) => name.startsWith('lock'))).toEqual([]);
  });

  it('lets exactly one of several newcomers take over', async () => {
    const { child } = await startHolder();
    await kill(child);
    const newcomers = await Promise.all(Array.from({ length: 4 }, () => startHolder()));
    expect(newcomers.filter(({ said }) => said === 'locked')).toHaveLength(1);
    await Promise.all(newcomers.map((newcomer) => kill(newcomer.child)));
  });

  it('does not mistake another process with the same id for the holder', () => {
    writeFileSync(
      join(folder, 'lock.5'),
      JSON.stringify({ pid: process.pid, host: hostname(), started: '1@another boot' }),
    );
    lockFolder(folder).release();
  });

  it('leaves a lock from another host alone, saying how to remove it', () => {
    writeFileSync(join(folder, 'lock.1'), JSON.stringify({ pid: 1, host: 'elsewhere', started: '' }));
    expect(() => lockFolder(folder)).toThrow(/host 'elsewhere'; if it is gone, remove .*lock\.1/);
  });
});

describe('RunDirectory', () => {
  it('goes on from the newest checkpoint, with every array and state as saved', () => {
    const run = RunDirectory.open(folder, config);
    expect(run.resumeFrom).toBeNull();
    for (const step of [10, 20, 30]) run.saveCheckpoint(content(step));
    expect(readdirSync(run.path('checkpoints')).sort()).toEqual(['step-20', 'step-30']);
    run.close();

    const resumed = RunDirectory.open(folder, config);
    const checkpoint = resumed.resumeFrom!;
    expect(checkpoint).toMatchObject({ step: 30, seconds: 60, state: { random: 'state-30', optimizerSteps: 30 } });
    const arrays = { values: new Float32Array(2), firstMoment: new Float32Array(1) };
    checkpoint.restore(arrays);
    expect(arrays).toEqual(content(30).arrays);
    expect(() => checkpoint.restore({ values: new Float32Array(3) })).toThrow(/'values' holds 2 values/);
    resumed.close();
  });

  it('keeps bfloat16 arrays bit for bit, and goes on with moments of the other type', () => {
    // 1, -0, the smallest subnormal, the largest number, infinity and a NaN; an odd count shifts the array after it.
    const halves = Uint16Array.of(0x3f80, 0x8000, 0x0001, 0x7f7f, 0x7f80, 0x7fc1, 0xbf81);
    // A tie to even below, a tie to even above, and just past a tie.
    const floats = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20);
    const run = RunDirectory.open(folder, config);
    run.saveCheckpoint({ ...content(10), arrays: { halves, floats } });
    run.close();

    const resumed = RunDirectory.open(folder, config);
    const same = { halves: new Uint16Array(7), floats: new Float32Array(3) };
    resumed.resumeFrom!.restore(same);
    expect(same).toEqual({ halves, floats });
    const other = { halves: new Float32Array(7), floats: new Uint16Array(3) };
    resumed.resumeFrom!.restore(other);
    expect([...other.halves]).toEqual([1, -0, 2 ** -133, 3.3895313892515355e38, Infinity, Number.NaN, -1 - 2 ** -7]);
    expect(other.floats).toEqual(Uint16Array.of(0x3f80, 0x3f82, 0x3f81));
    expect(() => resumed.resumeFrom!.restore({ halves: new Uint16Array(6) })).toThrow(/'halves' holds 7 values/);
    resumed.close();
  });

  it('passes over checkpoints that are incomplete or damaged', () => {
    const run = RunDirectory.open(folder, config);
    run.saveCheckpoint(content(10));
    run.saveCheckpoint(content(20));
    run.close();
    const newest = join(folder, 'checkpoints', 'step-20');
    const bytes = readFileSync(join(newest, 'arrays.safetensors'));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(join(newest, 'arrays.safetensors'), bytes);
    mkdirSync(join(folder, 'checkpoints', 'step-30'));
    mkdirSync(join(folder, 'checkpoints', 'step-40.partial-99'));
    const resumed = RunDirectory.open(folder, config);
    expect(resumed.resumeFrom?.step).toBe(10);
    expect(existsSync(join(folder, 'checkpoints', 'step-40.partial-99'))).toBe(false);
    resumed.close();
  });

  it('tells no step twice: metrics after the checkpoint go, a torn last line too', () => {
    const run = RunDirectory.open(folder, config);
    for (const step of [1, 2, 3]) run.appendMetric(metric(step));
    run.saveCheckpoint(content(2));
    run.close();
    appendFileSync(run.path('metrics.jsonl'), '{"step":4,"sta');
    const resumed = RunDirectory.open(folder, config);
    expect(resumed.readMetrics().map(({ step }) => step)).toEqual([1, 2]);
    resumed.appendMetric(metric(3));
    expect(readFileSync(run.path('metrics.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(3);
    resumed.close();
  });

  it('keeps all metrics of a finished run, and none of one without a checkpoint', () => {
    const run = RunDirectory.open(folder, config);
    run.appendMetric(metric(1));
    run.close();
    const again = RunDirectory.open(folder, config);
    expect(again.readMetrics()).toEqual([]);
    again.appendMetric(metric(1));
    writeFileSync(again.path('report.json'), '{}');
    again.close();
    const finished = RunDirectory.open(folder, config);
    expect(finished.finished).toBe(true);
    expect(finished.readMetrics()).toEqual([metric(1)]);
    finished.close();
  });

  it('refuses other settings by name, except those that do not matter', () => {
    RunDirectory.open(folder, config).close();
    RunDirectory.open(folder, { ...config, out: 'y' }, ['out']).close();
    expect(() => RunDirectory.open(folder, { ...config, learningRate: 2e-3 }, ['out'])).toThrow(
      /was started with learningRate = 0\.001, not 0\.002; resume it with the same settings/,
    );
    expect(() => RunDirectory.open(folder, { ...config, extra: 1 }, ['out'])).toThrow(/extra = undefined, not 1/);
    // The refusal let go of the lock.
    RunDirectory.open(folder, config, ['out']).close();
  });

  it('says so when config.json was damaged', () => {
    RunDirectory.open(folder, config).close();
    truncateSync(join(folder, 'config.json'), 5);
    expect(() => RunDirectory.open(folder, config)).toThrow(/config\.json is not JSON/);
  });
});
