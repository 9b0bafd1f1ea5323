/**
 * The directory of one run of one recipe:
 *
 *     config.json            the recipe's full configuration; a resumed run must have the same
 *     metrics.jsonl          one Metric a line, each step once
 *     checkpoints/step-N/    all that a resumed run needs to go on to the same bits; the last two are kept
 *     model/                 the result, a Hugging Face folder (written by saveModel)
 *     report.md report.json  written last: their presence means that the run is finished
 *     lock.N                 the process at work here
 *
 * A run may be killed at any instant. Checkpoints appear whole or not at all; metrics are cut back to the step of the
 * checkpoint that the run goes on from, so no step is told twice.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Metric } from '@parley/contracts';
import type { Storage } from '@parley/engine';
import { DiskFullError, removePartials, writeFileAtomic, writeFolderAtomic, writeFully } from './atomic.ts';
import { lockFolder, type RunLock } from './run-lock.ts';
import { hashFile, SafetensorsFile, writeSafetensors } from './safetensors.ts';

const keptCheckpoints = 2;

/** A run that cannot be resumed as asked: the message names the setting that differs. */
export class RunConfigError extends Error {
  override name = 'RunConfigError';
}

export interface CheckpointContent {
  /** Optimizer steps done. */
  step: number;
  /** Training time so far, earlier attempts included. */
  seconds: number;
  /** Flat arrays, float32 or bfloat16: parameter values, optimizer moments. */
  arrays: Record<string, Storage>;
  /** Everything else, JSON: optimizer steps, the states of random generators and samplers. */
  state: Record<string, unknown>;
}

/** A checkpoint that was found whole. */
export interface Checkpoint {
  readonly step: number;
  readonly seconds: number;
  readonly state: Record<string, unknown>;
  /**
   * Copies the stored arrays into the given ones, which must have the same names and lengths. Between float32 and
   * bfloat16 they are converted, so that a run goes on whose optimizer kept its moments otherwise.
   */
  restore(arrays: Record<string, Storage>): void;
}

export class RunDirectory {
  readonly folder: string;
  /** Where to go on from; null in a fresh run. */
  readonly resumeFrom: Checkpoint | null;
  readonly #lock: RunLock;
  readonly #metrics: number;

  private constructor(folder: string, lock: RunLock) {
    this.folder = folder;
    this.#lock = lock;
    this.resumeFrom = this.latest();
    if (!this.finished) truncateMetrics(this.path('metrics.jsonl'), this.resumeFrom?.step ?? 0);
    this.#metrics = openSync(this.path('metrics.jsonl'), 'a');
  }

  /**
   * Opens a run for this process alone: a fresh one, or an unfinished one to go on with.
   * @param config the recipe's configuration, defaults filled in, JSON
   * @param mayChange names in `config` that do not influence the result, e.g. 'out' and 'threads'
   * @throws RunLockedError when another process works here; RunConfigError when the run was started differently
   */
  static open(folder: string, config: Record<string, unknown>, mayChange: readonly string[] = []): RunDirectory {
    mkdirSync(join(folder, 'checkpoints'), { recursive: true });
    const lock = lockFolder(folder);
    try {
      removePartials(folder);
      removePartials(join(folder, 'checkpoints'));
      settleConfig(folder, config, mayChange);
      return new RunDirectory(folder, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A file or folder in the run. */
  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Whether the report, the last thing that a run writes, is there. */
  get finished(): boolean {
    return existsSync(this.path('report.json'));
  }

  /** Appends one line to metrics.jsonl. Write a step's metrics before its checkpoint: a resume cuts what follows it. */
  appendMetric(metric: Metric): void {
    try {
      writeFully(this.#metrics, Buffer.from(`${JSON.stringify(metric)}\n`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        throw new DiskFullError(this.path('metrics.jsonl'), error);
      throw error;
    }
  }

  /** All metrics so far, in the order of the steps. */
  readMetrics(): Metric[] {
    return readMetrics(this.path('metrics.jsonl'));
  }

  /** Writes `checkpoints/step-N` and then removes all but the newest two. */
  saveCheckpoint({ step, seconds, arrays, state }: CheckpointContent): void {
    fsyncSync(this.#metrics);
    writeFolderAtomic(this.path('checkpoints', `step-${step}`), (folder) => {
      const tensors = Object.entries(arrays).map(([name, data]) => ({ name, shape: [data.length], data }));
      const arraysHash = writeSafetensors(join(folder, 'arrays.safetensors'), tensors);
      writeFileAtomic(join(folder, 'state.json'), JSON.stringify({ step, seconds, arraysHash, state }, null, 2));
    });
    for (const old of this.#checkpointSteps().slice(keptCheckpoints)) {
      rmSync(this.path('checkpoints', `step-${old}`), { recursive: true, force: true });
    }
  }

  /** The newest checkpoint whose content has the recorded hash; null when there is none. */
  latest(): Checkpoint | null {
    for (const step of this.#checkpointSteps()) {
      const checkpoint = openCheckpoint(this.path('checkpoints', `step-${step}`));
      if (checkpoint) return checkpoint;
    }
    return null;
  }

  /** Lets other processes in. The directory must not be used after. */
  close(): void {
    closeSync(this.#metrics);
    this.#lock.release();
  }

  /** Newest first. */
  #checkpointSteps(): number[] {
    return readdirSync(this.path('checkpoints'))
      .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a);
  }
}

/** The metrics of a run that may be under way: a torn last line is left out. */
export function readMetrics(path: string): Metric[] {
  const metrics: Metric[] = [];
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    try {
      if (line !== '') metrics.push(JSON.parse(line));
    } catch {
      // A kill in mid-write leaves half a line; its step comes again.
    }
  }
  return metrics;
}

function truncateMetrics(path: string, step: number): void {
  const kept = readMetrics(path).filter((metric) => metric.step <= step);
  writeFileAtomic(path, kept.map((metric) => `${JSON.stringify(metric)}\n`).join(''));
}

/** Null for a checkpoint that is incomplete or damaged: the one before it serves. */
function openCheckpoint(folder: string): Checkpoint | null {
  const arraysPath = join(folder, 'arrays.safetensors');
  let stored: { step: number; seconds: number; arraysHash: string; state: Record<string, unknown> };
  try {
    stored = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
    if (hashFile(arraysPath) !== stored.arraysHash) return null;
  } catch {
    return null;
  }
  const { step, seconds, state } = stored;
  return {
    step,
    seconds,
    state,
    restore(arrays) {
      const file = SafetensorsFile.open(arraysPath);
      try {
        for (const [name, into] of Object.entries(arrays)) file.read(name, into);
      } finally {
        file.close();
      }
    },
  };
}

function settleConfig(folder: string, config: Record<string, unknown>, mayChange: readonly string[]): void {
  const path = join(folder, 'config.json');
  // Through JSON, so that what is compared is what was stored.
  const wanted: Record<string, unknown> = JSON.parse(JSON.stringify(config));
  if (existsSync(path)) {
    const stored = parseConfig(path);
    for (const name of new Set([...Object.keys(stored), ...Object.keys(wanted)])) {
      if (mayChange.includes(name) || isDeepStrictEqual(stored[name], wanted[name])) continue;
      throw new RunConfigError(
        `${folder} was started with ${name} = ${JSON.stringify(stored[name])}, not ${JSON.stringify(wanted[name])}; ` +
          'resume it with the same settings, or choose another directory',
      );
    }
  }
  writeFileAtomic(path, `${JSON.stringify(wanted, null, 2)}\n`);
}

function parseConfig(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new RunConfigError(`${path} is not JSON; restore it or remove the directory to start over`, { cause: error });
  }
}
