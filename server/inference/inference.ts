/**
 * Inference from the HTTP process's side: keeps one worker process alive and hands it the jobs.
 *
 * The model runs in a process of its own, because a matrix product blocks its thread for milliseconds and a
 * crash in native code takes its process down. When the worker dies, the answers it was writing end with an
 * InterruptedError and it is started again, at once the first time and then at doubling intervals. Jobs that
 * come meanwhile wait for it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { GeneratorOptions } from '@parley/lm/generate';
import type { FastifyBaseLogger } from 'fastify';
import { HttpError } from '../http/errors.ts';
import type { Metrics } from '../http/metrics.ts';
import { Generation, InterruptedError, RefusedError } from './generation.ts';
import type { FromWorker, Job, ModelDescription, Piece, ToWorker } from './protocol.ts';

const require = createRequire(import.meta.url);

/** Answers running or waiting; beyond this, new ones are turned away instead of kept waiting for minutes. */
const mostGenerations = 1_000;
const longestBackoffMilliseconds = 30_000;
/** A worker that lived this long counts as healthy: its death is a first one. */
const healthyAfterMilliseconds = 60_000;
const exitLimitMilliseconds = 2_000;

export interface InferenceOptions {
  modelFolder: string;
  /** The worker's program, which speaks protocol.ts; absent: the one that loads the model. */
  workerProgram?: string;
  /** Answers written at once; more wait. */
  slots: number;
  weights?: GeneratorOptions['weights'];
  cache?: GeneratorOptions['cache'];
  log: FastifyBaseLogger;
  metrics: Metrics;
  /** Called when `ready` or `load` has changed. */
  onChange?: () => void;
}

export class Inference {
  readonly #options: InferenceOptions;
  readonly #generations = new Map<number, { job: Job; generation: Generation; startedAt: number }>();
  #worker: ChildProcess | null = null;
  #model: ModelDescription | null = null;
  #nextId = 1;
  #deaths = 0;
  #restart: NodeJS.Timeout | null = null;
  #ready = false;
  #load = { active: 0, queued: 0 };
  #closing = false;

  constructor(options: InferenceOptions) {
    this.#options = options;
  }

  /** The model as last loaded; null before the first load. */
  get model(): ModelDescription | null {
    return this.#model;
  }

  /** False while the worker is starting or has died. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Answers that the worker is writing, and those that wait for a slot, as last reported. */
  get load(): { active: number; queued: number } {
    return this.#load;
  }

  /** Whether an answer is being written or waits. */
  get busy(): boolean {
    return this.#generations.size > 0;
  }

  /**
   * Starts the worker and waits until the model is loaded.
   * @throws Error in one line if the model cannot be loaded; nothing is left running then
   */
  async start(): Promise<ModelDescription> {
    try {
      return await new Promise((resolve, reject) => this.#spawn(resolve, reject));
    } catch (error) {
      this.#interruptAll((error as Error).message);
      await this.close();
      throw error;
    }
  }

  /**
   * Queues an answer.
   * @throws HttpError 503 if too many wait already or the server is stopping
   */
  generate(job: Job): Generation {
    this.checkCapacity();
    const id = this.#nextId++;
    const generation = new Generation(() => {
      if (this.#ready) this.#send({ type: 'cancel', id });
      else this.#end(id, 'cancelled', () => generation.finish('cancelled'));
    });
    this.#generations.set(id, { job, generation, startedAt: performance.now() });
    if (this.#ready) this.#send({ type: 'generate', id, job });
    return generation;
  }

  /** @throws HttpError 503 if `generate` would turn `count` more answers away */
  checkCapacity(count = 1): void {
    if (this.#closing) throw new HttpError(503, 'stopping', 'The server is stopping.', { retryAfterSeconds: 10 });
    if (this.#generations.size + count > mostGenerations) {
      throw new HttpError(503, 'overloaded', 'Too many answers are waiting already. Try again in a moment.', {
        retryAfterSeconds: 5,
      });
    }
  }

  /** Takes no new answers and waits at most `milliseconds` for the running ones to end by themselves. */
  async drain(milliseconds: number): Promise<void> {
    this.#closing = true;
    const limit = Date.now() + milliseconds;
    while (this.#generations.size > 0 && Date.now() < limit) await setTimeout(20);
  }

  /** Ends running answers as interrupted and the worker with them. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#restart) clearTimeout(this.#restart);
    this.#interruptAll('The server is stopping.');
    const worker = this.#worker;
    if (!worker || worker.exitCode !== null || worker.signalCode !== null) return;
    const exited = new Promise((resolve) => worker.once('exit', resolve));
    if (worker.connected) worker.disconnect();
    const kill = globalThis.setTimeout(() => worker.kill('SIGKILL'), exitLimitMilliseconds);
    await exited;
    clearTimeout(kill);
  }

  #spawn(onReady: (model: ModelDescription) => void, onFailure: (error: Error) => void): void {
    const { log, modelFolder, slots, weights, cache } = this.#options;
    const program = this.#options.workerProgram ?? join(import.meta.dirname, 'worker.ts');
    const generator: GeneratorOptions = { slots, weights, cache };
    const worker = fork(program, [modelFolder, JSON.stringify(generator)], {
      execArgv: ['--import', pathToFileURL(require.resolve('tsx')).href],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#worker = worker;
    const spawnedAt = Date.now();
    forwardLines(worker.stdout!, (line) => log.info({ worker: worker.pid }, line));
    forwardLines(worker.stderr!, (line) => log.warn({ worker: worker.pid }, line));

    let failure: string | null = null;
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'ready') {
        this.#becomeReady(message.model);
        onReady(message.model);
      } else if (message.type === 'failed') {
        failure = message.message;
      } else {
        this.#receive(message);
      }
    });
    worker.on('error', (error) => log.error(error, 'the inference worker cannot be reached'));
    worker.once('exit', (code, signal) => {
      this.#ready = false;
      this.#setLoad(0, 0);
      const reason = failure ?? `The inference worker ended unexpectedly (${signal ?? `exit code ${code}`}).`;
      onFailure(new Error(reason));
      if (!this.#closing) this.#afterDeath(reason, failure !== null, Date.now() - spawnedAt);
    });
  }

  #becomeReady(model: ModelDescription): void {
    const { log, onChange } = this.#options;
    this.#model = model;
    this.#ready = true;
    onChange?.();
    log.info({ model: model.id, parameters: model.parameters, context: model.context }, 'the model is loaded');
    for (const [id, { job }] of this.#generations) this.#send({ type: 'generate', id, job });
  }

  #afterDeath(reason: string, modelFailed: boolean, lived: number): void {
    const { log, metrics } = this.#options;
    // Until the first load nobody can have asked, and start() reports the failure.
    if (this.#model === null) return;
    this.#deaths = lived > healthyAfterMilliseconds ? 1 : this.#deaths + 1;
    const delay = this.#deaths === 1 ? 0 : Math.min(longestBackoffMilliseconds, 250 * 2 ** (this.#deaths - 2));
    log.error({ reason, delay }, 'the inference worker died; starting it again');
    this.#interruptAll(modelFailed ? `The model cannot be loaded: ${reason}` : `${reason} It is being started again.`);
    metrics.workerRestarts.inc();
    this.#restart = globalThis.setTimeout(() => {
      if (!this.#closing)
        this.#spawn(
          () => {},
          () => {},
        );
    }, delay);
  }

  #receive(message: Exclude<FromWorker, { type: 'ready' | 'failed' }>): void {
    if (message.type === 'load') {
      this.#setLoad(message.active, message.queued);
      return;
    }
    if (message.type === 'pieces') {
      this.#takePieces(message.pieces);
      return;
    }
    const entry = this.#generations.get(message.id);
    if (!entry) return;
    const { metrics } = this.#options;
    const { generation } = entry;
    switch (message.type) {
      case 'accepted': {
        const { type: _, id: _id, ...accepted } = message;
        metrics.promptTokens.inc(accepted.promptTokens.length);
        generation.accept(accepted);
        break;
      }
      case 'finished':
        this.#end(message.id, message.reason, () => generation.finish(message.reason));
        break;
      case 'refused':
        this.#end(message.id, 'refused', () => generation.fail(new RefusedError(message.code, message.message)));
        break;
    }
  }

  #takePieces(pieces: readonly ({ id: number } & Piece)[]): void {
    const { metrics } = this.#options;
    let tokens = 0;
    for (const piece of pieces) {
      const entry = this.#generations.get(piece.id);
      if (!entry) continue;
      tokens += piece.tokens.length;
      if (entry.startedAt > 0 && piece.text) {
        metrics.timeToFirstToken.observe((performance.now() - entry.startedAt) / 1000);
        entry.startedAt = 0;
      }
      entry.generation.append(piece);
    }
    metrics.tokensGenerated.inc(tokens);
  }

  #interruptAll(message: string): void {
    for (const [id, { generation }] of this.#generations) {
      this.#end(id, 'interrupted', () => generation.fail(new InterruptedError(message)));
    }
  }

  #end(id: number, outcome: string, settle: () => void): void {
    if (!this.#generations.delete(id)) return;
    this.#options.metrics.answers.inc({ outcome });
    settle();
  }

  #setLoad(active: number, queued: number): void {
    this.#load = { active, queued };
    this.#options.onChange?.();
  }

  #send(message: ToWorker): void {
    // A worker that is just dying cannot take it; its exit then ends the answer.
    this.#worker?.send(message, () => {});
  }
}

function forwardLines(stream: Readable, log: (line: string) => void): void {
  createInterface({ input: stream }).on('line', log);
}
