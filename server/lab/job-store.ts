/**
 * The queue of jobs, in the database. Every change of state is one statement that names the state that it starts from,
 * so of two that want it one wins; and a unique index allows one running job, so two never do, whoever asks.
 */
import type { Job, LabRecipe } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import type { JobRow } from './tables.ts';

export interface NewJobRow {
  recipe: LabRecipe;
  name: string;
  settings: Record<string, unknown>;
  user: string | null;
}

/** How an attempt ended. */
export type Outcome =
  | { state: 'done' }
  | { state: 'stopped' }
  | { state: 'failed'; error: string }
  /** To be begun again, by whoever comes next. */
  | { state: 'queued'; error: string | null; retryAt: number; attempts: number };

const running = 'running';

export class JobStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Newest first. */
  list(): Promise<JobRow[]> {
    return this.#db.selectFrom('jobs').selectAll().orderBy('id', 'desc').execute();
  }

  /** @throws HttpError 404 */
  async get(id: string): Promise<JobRow> {
    const row = await this.#db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) throw new HttpError(404, 'job_not_found', `There is no job ${id}.`);
    return row;
  }

  /** @throws HttpError 409 if the name is taken */
  async add({ recipe, name, settings, user }: NewJobRow): Promise<JobRow> {
    const row = await this.#db
      .insertInto('jobs')
      .values({
        ...{ id: uuidv7(), recipe, name, settings: JSON.stringify(settings), state: 'queued', user_id: user },
        ...{ stop_requested: 0, attempts: 0, retry_at: 0, created_at: Date.now() },
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row) return row;
    throw new HttpError(409, 'name_taken', `There is a run '${name}' already. Choose another name.`, { param: 'name' });
  }

  /**
   * Takes the oldest job that may begin. Null if there is none, or one runs.
   * @param worker who takes it
   * @param leaseMilliseconds how long that holds without a heartbeat
   */
  async claim(worker: string, leaseMilliseconds: number): Promise<JobRow | null> {
    const now = Date.now();
    const next = await this.#db
      .selectFrom('jobs')
      .select('id')
      .where('state', '=', 'queued')
      .where('retry_at', '<=', now)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('jobs as other').select('other.id').where('other.state', '=', running))),
      )
      .orderBy('id')
      .executeTakeFirst();
    if (!next) return null;
    try {
      const row = await this.#db
        .updateTable('jobs')
        .set(({ eb }) => ({
          ...{ state: running, worker, lease_until: now + leaseMilliseconds, heartbeat_at: now, error: null },
          ...{ process_id: null, process_started: null, finished_at: null },
          attempts: eb('attempts', '+', 1),
          started_at: eb.fn.coalesce('started_at', eb.val(now)),
        }))
        .where('id', '=', next.id)
        .where('state', '=', 'queued')
        .returningAll()
        .executeTakeFirst();
      return row ?? null;
    } catch (error) {
      // Another worker's claim came in between: the index refuses this one.
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  /** The job that runs, if this worker holds it or its holder's lease has run out: then it is this worker's now. */
  async takeOver(worker: string, leaseMilliseconds: number): Promise<JobRow | null> {
    const now = Date.now();
    const row = await this.#db
      .updateTable('jobs')
      .set({ worker, lease_until: now + leaseMilliseconds })
      .where('state', '=', running)
      .where(({ or, eb }) => or([eb('worker', '=', worker), eb('lease_until', '<', now)]))
      .returningAll()
      .executeTakeFirst();
    return row ?? null;
  }

  async noteProcess(id: string, worker: string, processId: number, started: string): Promise<void> {
    await this.#held(id, worker).set({ process_id: processId, process_started: started }).execute();
  }

  /** Says that the job lives. Gives it back as it stands; null if it is no longer this worker's. */
  async heartbeat(id: string, worker: string, leaseMilliseconds: number): Promise<JobRow | null> {
    const now = Date.now();
    const row = await this.#held(id, worker)
      .set({ heartbeat_at: now, lease_until: now + leaseMilliseconds })
      .returningAll()
      .executeTakeFirst();
    return row ?? null;
  }

  /** Lets go of a job. False if it was no longer this worker's. */
  async settle(id: string, worker: string, outcome: Outcome): Promise<boolean> {
    const waits = outcome.state === 'queued';
    const { numUpdatedRows } = await this.#held(id, worker)
      .set({
        ...{ state: outcome.state, worker: null, lease_until: null, process_id: null, process_started: null },
        error: 'error' in outcome ? outcome.error : null,
        finished_at: waits ? null : Date.now(),
        ...(waits ? { retry_at: outcome.retryAt, attempts: outcome.attempts } : { stop_requested: 0 }),
      })
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** A waiting job is stopped at once, a running one when its process has saved what it has. */
  async requestStop(id: string): Promise<JobRow> {
    await this.#db
      .updateTable('jobs')
      .set({ state: 'stopped', finished_at: Date.now() })
      .where('id', '=', id)
      .where('state', '=', 'queued')
      .execute();
    await this.#db
      .updateTable('jobs')
      .set({ stop_requested: 1 })
      .where('id', '=', id)
      .where('state', '=', running)
      .execute();
    return this.get(id);
  }

  /** @throws HttpError 409 if it waits, runs or is done */
  async resume(id: string): Promise<JobRow> {
    const row = await this.#db
      .updateTable('jobs')
      .set({ state: 'queued', attempts: 0, retry_at: 0, error: null, stop_requested: 0, finished_at: null })
      .where('id', '=', id)
      .where('state', 'in', ['stopped', 'failed'])
      .returningAll()
      .executeTakeFirst();
    if (row) return row;
    const { state } = await this.get(id);
    throw new HttpError(409, 'not_stopped', `This job is ${state}; only one that was stopped or has failed goes on.`);
  }

  /** @throws HttpError 409 if it runs */
  async remove(id: string): Promise<void> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('jobs')
      .where('id', '=', id)
      .where('state', '!=', running)
      .executeTakeFirstOrThrow();
    if (numDeletedRows > 0n) return;
    await this.get(id);
    throw new HttpError(409, 'still_running', 'This job is running. Stop it first.');
  }

  #held(id: string, worker: string) {
    return this.#db.updateTable('jobs').where('id', '=', id).where('state', '=', running).where('worker', '=', worker);
  }
}

/** As SQLite and PostgreSQL say it. */
function isUniqueViolation(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === '23505' || code?.startsWith('SQLITE_CONSTRAINT') === true;
}

export function toJob(row: JobRow): Job {
  return {
    ...{ id: row.id, recipe: row.recipe, name: row.name, state: row.state, attempts: row.attempts, error: row.error },
    stopping: row.state === running && row.stop_requested === 1,
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    heartbeatAt: row.heartbeat_at,
  };
}
