/** The Lab's parts, put together. */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LabRecipe } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import type { ModelPool } from '../inference/pool.ts';
import { Comparisons } from './comparisons.ts';
import { LabFolders } from './folders.ts';
import { argumentsFor } from './job-arguments.ts';
import { JobRunner } from './job-runner.ts';
import { JobStore } from './job-store.ts';
import type { ModelRegistry, RegisteredModel } from './registry.ts';
import { readModelManifest, readRunJson } from './run-files.ts';
import type { JobRow } from './tables.ts';

interface LabOptions {
  db: Db;
  registry: ModelRegistry;
  pool: ModelPool;
  home: string;
  databaseUrl?: string;
  cli: string;
  log: FastifyBaseLogger;
}

export class Lab {
  readonly db: Db;
  readonly registry: ModelRegistry;
  readonly pool: ModelPool;
  readonly folders: LabFolders;
  readonly jobs: JobStore;
  readonly runner: JobRunner;
  readonly comparisons: Comparisons;

  constructor({ db, registry, pool, home, databaseUrl, cli, log }: LabOptions) {
    this.db = db;
    this.registry = registry;
    this.pool = pool;
    this.folders = new LabFolders(resolve(home));
    this.jobs = new JobStore(db);
    this.comparisons = new Comparisons(db, pool, log);
    this.runner = new JobRunner({
      ...{ home, databaseUrl, cli, log },
      store: this.jobs,
      argumentsOf: (job) =>
        argumentsFor(
          { recipe: job.recipe as LabRecipe, settings: JSON.parse(job.settings), runFolder: this.runFolder(job) },
          this,
        ),
      onDone: (job) => this.#conclude(job),
    });
  }

  /** Call when models can be loaded. */
  start(): void {
    this.runner.start();
    this.comparisons.answer();
  }

  /** Lets the running job save what it has, for at most `milliseconds`. */
  close(milliseconds: number): Promise<void> {
    this.comparisons.stop();
    return this.runner.close(milliseconds);
  }

  runFolder({ name }: Pick<JobRow, 'name'>): string {
    return join(this.folders.runs, name);
  }

  /** The job that made a model; null if none of this server did. */
  async jobOf(model: RegisteredModel): Promise<JobRow | null> {
    return this.jobAmong(await this.jobs.list(), model);
  }

  jobAmong(jobs: readonly JobRow[], { folder }: RegisteredModel): JobRow | null {
    return jobs.find((job) => join(this.runFolder(job), 'model') === folder) ?? null;
  }

  /** Removes a job that does not run, and all that it made. @throws HttpError 404, 409 */
  async removeJob(id: string): Promise<JobRow> {
    const job = await this.jobs.get(id);
    const made = (await this.registry.list()).filter((model) => this.jobAmong([job], model));
    for (const model of made) this.refuseIfDeployed(model);
    await this.jobs.remove(id);
    for (const model of made) {
      await this.pool.forget(model.id);
      await this.registry.markRemoved(model.id);
    }
    rmSync(this.runFolder(job), { recursive: true, force: true });
    return job;
  }

  /** @throws HttpError 409 if people are answered by it */
  refuseIfDeployed({ id }: RegisteredModel): void {
    if (this.pool.roleOf(id) === 'none') return;
    throw new HttpError(409, 'model_deployed', `'${id}' is deployed. Promote another model first.`);
  }

  /** The model can be used, and what a run needs to go on is no longer needed: it is several times the model. */
  async #conclude(job: JobRow): Promise<void> {
    const folder = this.runFolder(job);
    rmSync(join(folder, 'checkpoints'), { recursive: true, force: true });
    const manifest = readModelManifest(folder);
    if (manifest === null) return;
    const config = readRunJson(folder, 'model/config.json');
    await this.registry.register(join(folder, 'model'), {
      manifest,
      context: Number(config?.max_position_embeddings ?? 0),
    });
  }
}
