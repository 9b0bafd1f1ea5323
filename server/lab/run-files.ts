/** What a run has written so far, and what it goes on to write. */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type JobEvent, type Manifest, type Metric, manifestSchema, metricSchema } from '@parley/contracts';

const lookEveryMilliseconds = 400;
/** As much of a log as people read. */
const logTailBytes = 64 * 1024;
const mostBytesAtOnce = 4 * 1024 * 1024;

/** A file of the run as text; null if it is not there. */
export function readRunFile(folder: string, name: string): string | null {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/** Null unless the file holds one JSON object. */
export function readRunJson(folder: string, name: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(readRunFile(folder, name) ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Of the model that the run has made; null if it has not. */
export function readModelManifest(folder: string): Manifest | null {
  const parsed = manifestSchema.safeParse(readRunJson(folder, 'model/manifest.json'));
  return parsed.success ? parsed.data : null;
}

/**
 * The metrics and the end of the log, and then what is added to them.
 * @param look asked before the files are read: what to tell first, and whether they will not change any more
 */
export async function* followRun(
  folder: string,
  look: () => Promise<{ first: JobEvent[]; ended: boolean }>,
  gone: AbortSignal,
): AsyncGenerator<JobEvent> {
  const metrics = new GrowingFile(join(folder, 'metrics.jsonl'));
  const log = new GrowingFile(join(folder, 'log.txt'), logTailBytes);
  for (;;) {
    const { first, ended } = await look();
    yield* first;
    const lines = await metrics.readLines();
    if (lines.text !== '') yield { type: 'metrics', metrics: parseMetrics(lines.text) };
    const { text, restart } = await log.readLines();
    if (text !== '') yield { type: 'log', text, restart };
    if (ended) return;
    try {
      await setTimeout(lookEveryMilliseconds, undefined, { signal: gone });
    } catch {
      return;
    }
  }
}

function parseMetrics(text: string): Metric[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [metricSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

/** Whole lines of a file that another process appends to, and sometimes replaces by a shorter one. */
class GrowingFile {
  readonly #path: string;
  readonly #tail: number;
  #inode = 0;
  #offset = 0;

  /** @param tail bytes before the end to begin with */
  constructor(path: string, tail = Number.POSITIVE_INFINITY) {
    this.#path = path;
    this.#tail = tail;
  }

  /** Those since the last time. `restart`: from the beginning, because the file is another one. */
  async readLines(): Promise<{ text: string; restart: boolean }> {
    if (!existsSync(this.#path)) return { text: '', restart: false };
    const file = await open(this.#path);
    try {
      const { size, ino } = await file.stat();
      const restart = ino !== this.#inode || size < this.#offset;
      if (restart) this.#offset = Math.max(0, size - this.#tail);
      this.#inode = ino;
      const bytes = Buffer.alloc(Math.min(size - this.#offset, mostBytesAtOnce));
      await file.read(bytes, 0, bytes.length, this.#offset);
      const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
      this.#offset += whole.length;
      return { text: whole.toString('utf8'), restart };
    } finally {
      await file.close();
    }
  }
}
