/**
 * Several models at once: each is served by an inference worker of its own, started when somebody first asks for it.
 *
 * Beyond a limit the worker that was asked least recently is closed again, unless it is writing or its model is
 * deployed: people who did not choose a model never wait for one to load. A model may go between the question for it
 * and the job, so jobs name their model, and a worker that has gone is started again for them.
 */
import { createHash } from 'node:crypto';
import type { Deployment } from '@parley/contracts';
import { HttpError } from '../http/errors.ts';
import type { Generation } from './generation.ts';
import { Inference, type InferenceOptions } from './inference.ts';
import type { Job, ModelDescription } from './protocol.ts';

interface PoolOptions extends Omit<InferenceOptions, 'modelFolder' | 'onChange'> {
  /** Workers that may stay when they have nothing to do, those of deployed models included. */
  idleWorkers: number;
  /** The folder of a model by its id; throws HttpError 404. */
  folderOf: (id: string) => Promise<string>;
}

/** Which model answers whom: what a pool needs to know of a deployment. */
export type Served = Pick<Deployment, 'id' | 'model' | 'challenger' | 'challengerPercent'>;

interface Entry {
  inference: Inference;
  started: Promise<ModelDescription>;
}

export class ModelPool {
  readonly #options: PoolOptions;
  /** By id, the one asked least recently first. */
  readonly #entries = new Map<string, Entry>();
  /** Also those that are being closed, or are not registered yet. */
  readonly #all = new Set<Inference>();
  readonly #folders = new Map<string, string>();
  #served: Served | null = null;
  #closing = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** The model that answers who has not chosen one; null before the first is loaded. */
  get deployed(): ModelDescription | null {
    const model = this.#deployedEntry?.inference.model;
    return model ? { ...model, id: this.#served!.model } : null;
  }

  /** Whether the deployed model can write now. */
  get ready(): boolean {
    return this.#deployedEntry?.inference.ready ?? false;
  }

  /** Whether a model answers people who have not chosen one: all of them, or a share of their conversations. */
  roleOf(id: string): 'deployed' | 'challenger' | 'none' {
    if (id === this.#served?.model) return 'deployed';
    return id === this.#served?.challenger ? 'challenger' : 'none';
  }

  /** From now on this deployment says who answers; its models are loaded already or when first asked. */
  serve(served: Served): void {
    this.#served = served;
    this.#changed();
    this.#trim();
  }

  /** The id of the model that answers in a conversation: the same one as long as the deployment stands. */
  modelFor(conversationId: string): string {
    const { id, model, challenger, challengerPercent } = this.#needServed();
    if (challenger === null) return model;
    return shareOf(`${id} ${conversationId}`) * 100 < challengerPercent ? challenger : model;
  }

  /**
   * What is known of a model, after loading it if need be.
   * @param id absent: the deployed one
   * @throws HttpError 404 if there is none of that id, 503 while the deployed one is loaded or if it cannot be
   */
  async model(id: string = this.#needServed().model): Promise<ModelDescription> {
    const folder = this.#folders.get(id) ?? (await this.#options.folderOf(id));
    const entry = this.#entries.get(id) ?? this.#open(id, folder);
    // The last one asked for is the last one in the map.
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    return entry.started;
  }

  /**
   * Queues an answer of a model that `model` gave.
   * @throws HttpError 503 if too many wait already or the server is stopping
   */
  generate(id: string, job: Job): Generation {
    const known = this.#entries.get(id);
    const folder = this.#folders.get(id);
    if (folder === undefined) throw new Error(`Model ${id} was not asked for before its job.`);
    return (known ?? this.#open(id, folder)).inference.generate(job);
  }

  /** @throws HttpError 503 if `generate` would turn `count` more answers away */
  checkCapacity(id: string, count = 1): void {
    if (this.#closing) throw new HttpError(503, 'stopping', 'The server is stopping.', { retryAfterSeconds: 10 });
    this.#entries.get(id)?.inference.checkCapacity(count);
  }

  /**
   * Loads a folder, to see whether it can be loaded and what it holds. Give the worker to `adopt` or close it.
   * @throws Error in one line
   */
  async load(folder: string): Promise<{ inference: Inference; model: ModelDescription }> {
    const inference = this.#newInference(folder);
    try {
      return { inference, model: await inference.start() };
    } catch (error) {
      this.#all.delete(inference);
      throw error;
    }
  }

  /** A worker made by `load` answers for `id` from now on. */
  adopt(id: string, folder: string, { inference, model }: { inference: Inference; model: ModelDescription }): void {
    this.#folders.set(id, folder);
    this.#entries.set(id, { inference, started: Promise.resolve({ ...model, id }) });
    this.#changed();
  }

  /** Ends a worker; the next who asks for its model starts another. */
  async forget(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    this.#folders.delete(id);
    if (entry) await this.dismiss(entry.inference);
  }

  async dismiss(inference: Inference): Promise<void> {
    await inference.close();
    this.#all.delete(inference);
    this.#changed();
  }

  /** Ids of the models that are loaded. */
  get loaded(): string[] {
    return [...this.#entries].filter(([, { inference }]) => inference.ready).map(([id]) => id);
  }

  /** Takes no new answers and waits at most `milliseconds` for the running ones to end by themselves. */
  async drain(milliseconds: number): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#all].map((inference) => inference.drain(milliseconds)));
  }

  /** Ends running answers as interrupted and the workers with them. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#all].map((inference) => inference.close()));
  }

  get #deployedEntry(): Entry | undefined {
    return this.#served ? this.#entries.get(this.#served.model) : undefined;
  }

  #needServed(): Served {
    if (this.#served) return this.#served;
    throw new HttpError(503, 'model_loading', 'The model is being loaded. Try again in a moment.', {
      retryAfterSeconds: 2,
    });
  }

  #open(id: string, folder: string): Entry {
    if (this.#closing) throw new HttpError(503, 'stopping', 'The server is stopping.', { retryAfterSeconds: 10 });
    const inference = this.#newInference(folder);
    const started = inference.start().then(
      (model) => ({ ...model, id }),
      (error: Error) => {
        this.#entries.delete(id);
        this.#all.delete(inference);
        throw new HttpError(503, 'model_unavailable', `The model '${id}' cannot be loaded: ${error.message}`);
      },
    );
    // Whoever waits for it is told; nobody waiting is no crash.
    started.catch(() => {});
    const entry = { inference, started };
    this.#folders.set(id, folder);
    this.#entries.set(id, entry);
    this.#trim();
    return entry;
  }

  #newInference(modelFolder: string): Inference {
    const inference = new Inference({ ...this.#options, modelFolder, onChange: () => this.#onChange() });
    this.#all.add(inference);
    return inference;
  }

  /** A worker has become idle, perhaps: then it may be one too many. */
  #onChange(): void {
    this.#changed();
    this.#trim();
  }

  #trim(): void {
    if (this.#closing || this.#served === null) return;
    const { model, challenger } = this.#served;
    let excess = this.#entries.size - this.#options.idleWorkers;
    // Without the newest: somebody is just asking for it.
    for (const [id, { inference }] of [...this.#entries].slice(0, -1)) {
      if (excess <= 0) return;
      if (id === model || id === challenger || inference.busy || inference.model === null) continue;
      excess--;
      this.#entries.delete(id);
      void this.dismiss(inference);
    }
  }

  #changed(): void {
    const { metrics } = this.#options;
    const sum = (of: (inference: Inference) => number) => [...this.#all].reduce((total, one) => total + of(one), 0);
    metrics.activeSlots.set(sum(({ load }) => load.active));
    metrics.queuedRequests.set(sum(({ load }) => load.queued));
    metrics.slots.set(sum(({ ready, model }) => (ready ? (model?.slots ?? 0) : 0)));
    metrics.modelReady.set(this.ready ? 1 : 0);
  }
}

/** A number in [0, 1) that is a function of the key and looks drawn at random. */
function shareOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE() / 2 ** 32;
}
