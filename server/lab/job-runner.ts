/**
 * Runs the queue's jobs, one at a time, each as the command line would: `parley reward …` in a process group of its
 * own, at low priority, writing into its run directory.
 *
 * The process belongs to the job, not to this server. When the server is killed the job goes on; the next server finds
 * it by its process and watches it to its end. When the process is killed, the job is begun again: recipes go on from
 * their last checkpoint to the same bits, and a run that had finished says so at once. So nothing needs to be known of
 * an end that nobody saw: beginning again is always right. A lease, renewed by a heartbeat, says who looks after the
 * job; another server takes over only when it has run out.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { constants, hostname, setPriority } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { holderOf, isAlive, type ProcessIdentity, startOf } from '@parley/lm/checkpoint';
import type { FastifyBaseLogger } from 'fastify';
import type { JobStore, Outcome } from './job-store.ts';
import type { JobRow } from './tables.ts';

interface RunnerOptions {
  store: JobStore;
  home: string;
  /** PostgreSQL's, if the server uses that. */
  databaseUrl?: string;
  /** The command line's entry, e.g. cli/bin.mjs. */
  cli: string;
  /** The words after `parley` for a job. Throws what the person should know. */
  argumentsOf: (job: JobRow) => Promise<string[]>;
  /** Called when a job is done, before it counts as done. */
  onDone: (job: JobRow) => Promise<void>;
  log: FastifyBaseLogger;
  heartbeatMilliseconds?: number;
  leaseMilliseconds?: number;
}

/** An attempt under way: a process, and how it ends. Null where nobody saw how. */
interface Attempt {
  process: ProcessIdentity;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null } | null>;
}

/** Crashes in a row, with no checkpoint between them, after which a job has failed. */
const mostCrashes = 3;
const retryAfterMilliseconds = 2_000;
const watchEveryMilliseconds = 250;
/** What Ctrl-C ends a recipe with, when its checkpoint is written. */
const stoppedExitCode = 130;

export class JobRunner {
  readonly #options: RunnerOptions;
  readonly #worker: string;
  readonly #heartbeat: number;
  readonly #lease: number;
  #timer: NodeJS.Timeout | null = null;
  #turn: Promise<void> = Promise.resolve();
  #current: { job: JobRow; attempt: Attempt; signalled: boolean; followed: Promise<void> } | null = null;
  #closing = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#heartbeat = options.heartbeatMilliseconds ?? 2_000;
    this.#lease = options.leaseMilliseconds ?? 30_000;
    // One server at a time holds a home: what this name held before is this server's to look after.
    this.#worker = `${hostname()}:${resolve(options.home)}`;
  }

  start(): void {
    this.#timer = setInterval(() => this.nudge(), this.#heartbeat);
    this.nudge();
  }

  /** Looks at the queue now. Turns follow one another; one that fails is told and the next tries again. */
  nudge(): Promise<void> {
    this.#turn = this.#turn
      .then(() => (this.#closing ? undefined : this.#look()))
      .catch((error) => this.#options.log.error(error, 'the queue of jobs could not be looked at'));
    return this.#turn;
  }

  /** Lets the running job save what it has, for at most `milliseconds`; it goes on when a server starts again. */
  async close(milliseconds: number): Promise<void> {
    this.#closing = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#turn;
    if (!this.#current) return;
    const { attempt, followed } = this.#current;
    signal(attempt.process, 'SIGINT');
    await Promise.race([followed, setTimeout(milliseconds, undefined, { ref: false })]);
  }

  /** Where a job's run lies, and what its process says. */
  folderOf({ name }: Pick<JobRow, 'name'>): string {
    return join(this.#options.home, 'runs', name);
  }

  async #look(): Promise<void> {
    const { store } = this.#options;
    if (this.#current) {
      const { job } = this.#current;
      const row = await store.heartbeat(job.id, this.#worker, this.#lease);
      if (row?.stop_requested) this.#stopCurrent();
      return;
    }
    const left = await store.takeOver(this.#worker, this.#lease);
    if (left) return this.#pickUp(left);
    const next = await store.claim(this.#worker, this.#lease);
    if (next) await this.#begin(next);
  }

  /** Somebody stopped looking after a running job: its process lives on, or it has to be begun again. */
  async #pickUp(job: JobRow): Promise<void> {
    const known = job.process_id !== null && { pid: job.process_id, started: job.process_started ?? '' };
    const living = known && isAlive(known) ? known : holderOf(this.folderOf(job));
    if (living) {
      this.#options.log.info({ job: job.name, process: living.pid }, 'found a running job again');
      await this.#options.store.noteProcess(job.id, this.#worker, living.pid, living.started);
      this.#follow(job, { process: living, ended: watch(living) });
    } else {
      await this.#settle(job, null, null);
      void this.nudge();
    }
  }

  async #begin(job: JobRow): Promise<void> {
    const { store, log } = this.#options;
    try {
      const words = await this.#options.argumentsOf(job);
      const child = this.#spawn(job, words);
      await once(child, 'spawn');
      const process = { pid: child.pid!, started: startOf(child.pid!) };
      const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
      await store.noteProcess(job.id, this.#worker, process.pid, process.started);
      log.info({ job: job.name, process: process.pid, attempt: job.attempts }, 'a job has begun');
      this.#follow(job, { process, ended });
    } catch (error) {
      await store.settle(job.id, this.#worker, { state: 'failed', error: (error as Error).message });
      void this.nudge();
    }
  }

  #spawn(job: JobRow, words: string[]): ChildProcess {
    const { home, databaseUrl, cli } = this.#options;
    const folder = this.folderOf(job);
    mkdirSync(folder, { recursive: true });
    const log = openSync(join(folder, 'log.txt'), 'a');
    const result = openSync(join(folder, 'result.json'), 'w');
    try {
      const child = spawn(process.execPath, [cli, ...words, '--json'], {
        // A group of its own: what ends this server, a Ctrl-C among it, does not end the job.
        detached: true,
        stdio: ['ignore', result, log],
        env: { ...process.env, PARLEY_HOME: home, DATABASE_URL: databaseUrl ?? '' },
      });
      child.unref();
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
      return child;
    } finally {
      closeSync(log);
      closeSync(result);
    }
  }

  #follow(job: JobRow, attempt: Attempt): void {
    const before = newestCheckpoint(this.folderOf(job));
    const followed = attempt.ended
      .then((end) => this.#settle(job, end, before))
      .catch((error) => this.#options.log.error(error, `the end of job ${job.name} could not be noted`))
      .then(() => {
        this.#current = null;
        void this.nudge();
      });
    this.#current = { job, attempt, signalled: false, followed };
    if (job.stop_requested) this.#stopCurrent();
  }

  #stopCurrent(): void {
    if (!this.#current || this.#current.signalled) return;
    this.#current.signalled = true;
    signal(this.#current.attempt.process, 'SIGINT');
  }

  /** Asked again to stop, a process that has not ended yet ends at once. */
  stopAtOnce(id: string): void {
    if (this.#current?.job.id === id && this.#current.signalled) signal(this.#current.attempt.process, 'SIGKILL');
  }

  /** @param before the checkpoint that the attempt started from; null if that is not known */
  async #settle(
    job: JobRow,
    end: { code: number | null; signal: NodeJS.Signals | null } | null,
    before: number | null,
  ): Promise<void> {
    const { store, log } = this.#options;
    const { stop_requested: stopping } = await store.get(job.id);
    const outcome = this.#outcomeOf(job, end, before, stopping === 1);
    try {
      if (outcome.state === 'done') await this.#options.onDone(job);
    } catch (error) {
      const failure = { state: 'failed', error: (error as Error).message } as const;
      await store.settle(job.id, this.#worker, failure);
      return;
    }
    await store.settle(job.id, this.#worker, outcome);
    log.info({ job: job.name, ...outcome }, 'a job has ended');
  }

  #outcomeOf(
    job: JobRow,
    end: { code: number | null; signal: NodeJS.Signals | null } | null,
    before: number | null,
    stopping: boolean,
  ): Outcome {
    if (end?.code === 0) return { state: 'done' };
    if (stopping) return { state: 'stopped' };
    const again = { state: 'queued', error: null, retryAt: 0, attempts: job.attempts - 1 } as const;
    // Nobody asked for it: the machine or the server is going down.
    if (end?.code === stoppedExitCode || this.#closing) return again;
    if (end === null) return again;
    if (end.code !== null) return { state: 'failed', error: lastLine(this.folderOf(job)) };
    const error = `The process was ended by ${end.signal}.`;
    const progressed = before !== null && newestCheckpoint(this.folderOf(job)) > before;
    const crashes = progressed ? 1 : job.attempts;
    if (crashes >= mostCrashes) return { state: 'failed', error: `${error} That happened ${crashes} times in a row.` };
    return { state: 'queued', error, retryAt: Date.now() + retryAfterMilliseconds * crashes, attempts: crashes };
  }
}

/** Of a process that is not this one's child: it is only seen to be gone. */
async function watch(process: ProcessIdentity): Promise<null> {
  while (isAlive(process)) await setTimeout(watchEveryMilliseconds, undefined, { ref: false });
  return null;
}

function signal({ pid }: ProcessIdentity, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** The step of a run's newest checkpoint; 0 if it has none. */
function newestCheckpoint(folder: string): number {
  const checkpoints = join(folder, 'checkpoints');
  if (!existsSync(checkpoints)) return 0;
  return Math.max(0, ...readdirSync(checkpoints).map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? 0)));
}

/** What a command that failed said last: one line that names what went wrong. */
function lastLine(folder: string): string {
  const lines = readFileSync(join(folder, 'log.txt'), 'utf8').trim().split('\n');
  return lines.at(-1)!.replace(/^parley: /, '') || 'It failed and did not say why; see its log.';
}
