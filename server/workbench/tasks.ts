/**
 * Tasks and who works on them. A task is held by one person at a time, on a lease that working on it extends and that
 * runs out by itself; what was saved stays for when they come back. As many different people as are wanted take turns.
 * Nobody is handed a task twice, or one with an answer of their own among those to judge.
 */
import { type Content, type Task, type TaskKind, taskKinds, type Work } from '@parley/contracts';
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import { checkComplete } from './complete.ts';
import { type ContributionRow, promptIn, type TaskRow } from './tables.ts';

/** How long a task is kept for somebody who does not stir. The page stirs every minute while it is looked at. */
export const leaseMilliseconds = 10 * 60_000;
/** So many of the last things that one has handed in can be taken up again. */
const undoable = 5;

export class TaskStore {
  readonly #db: Db;
  readonly #now: () => number;

  constructor(db: Db, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  /** Hands out a task: the one that this person holds already, one with a draft of theirs, or one near its completion. */
  async lease(user: string, kind: TaskKind): Promise<Task | null> {
    for (;;) {
      const open = await this.#openTo(user, kind)
        .leftJoin('contributions as own', (join) =>
          join.onRef('own.task_id', '=', 'tasks.id').on('own.user_id', '=', user),
        )
        .selectAll('tasks')
        .select(({ selectFrom, fn }) =>
          selectFrom('contributions')
            .select(fn.countAll<number>().as('count'))
            .whereRef('contributions.task_id', '=', 'tasks.id')
            .where('contributions.state', '=', 'submitted')
            .as('submitted'),
        )
        .orderBy(({ eb }) => eb.case().when('tasks.holder_id', '=', user).then(0).else(1).end())
        .orderBy(({ eb }) => eb.case().when('own.content', 'is not', null).then(0).else(1).end())
        .orderBy('submitted', 'desc')
        .orderBy('tasks.id')
        .executeTakeFirst();
      if (!open) return kind === 'demonstrate' ? this.#startConversation(user) : null;
      // Of two who ask at once, one gets it; the other looks again.
      if (await this.#hold(user, open.id)) return this.#hand(user, open.id);
    }
  }

  /** How many tasks are left for a person. */
  async openCounts(user: string): Promise<Record<TaskKind, number>> {
    const counts = taskKinds.map(async (kind) => {
      const { count } = await this.#openTo(user, kind)
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      return [kind, Number(count)] as const;
    });
    return Object.fromEntries(await Promise.all(counts)) as Record<TaskKind, number>;
  }

  /**
   * Extends the lease.
   * @returns until when
   * @throws HttpError 404, 409 if somebody else holds it by now, or if it is done with
   */
  async heartbeat(user: string, taskId: string): Promise<number> {
    const { state } = await this.#contributionTo(user, taskId);
    // Nobody holds what they are done with, however late their page stirs once more.
    if (state !== 'draft') throw new HttpError(409, 'handed_in', 'This was handed in or skipped already.');
    if (await this.#hold(user, taskId)) return this.#now() + leaseMilliseconds;
    throw new HttpError(409, 'lease_lost', 'Somebody else is working on this by now. What you saved is kept.');
  }

  /** @returns until when the task is held @throws HttpError 404, 409 */
  async saveDraft(user: string, taskId: string, work: Work): Promise<number> {
    const { id, kind } = await this.#contributionTo(user, taskId);
    checkKind(kind, work.content);
    await this.#db
      .updateTable('contributions')
      .set({ content: stored(work.content), milliseconds: work.milliseconds })
      .where('id', '=', id)
      .where('state', '=', 'draft')
      .execute();
    return this.heartbeat(user, taskId);
  }

  /**
   * Takes what somebody has to say. A lease that has run out does not make their work worthless.
   * @returns the contribution's id
   * @throws HttpError 404, 400 if something is missing, 409 if it was handed in before
   */
  async submit(user: string, taskId: string, { content, milliseconds }: Work): Promise<string> {
    const { id, kind, shown_order } = await this.#contributionTo(user, taskId);
    checkKind(kind, content);
    checkComplete(content, JSON.parse(shown_order), await this.#promptOf(taskId));
    const { numUpdatedRows } = await this.#db
      .updateTable('contributions')
      .set({ state: 'submitted', content: stored(content), milliseconds, submitted_at: this.#now() })
      .where('id', '=', id)
      .where('state', '=', 'draft')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new HttpError(409, 'handed_in', 'This was handed in already.');
    await this.release(user, taskId);
    return id;
  }

  /** @throws HttpError 404, 409 if it was handed in or skipped before */
  async skip(user: string, taskId: string): Promise<void> {
    const { id } = await this.#contributionTo(user, taskId);
    const { numUpdatedRows } = await this.#db
      .updateTable('contributions')
      .set({ state: 'skipped', content: null })
      .where('id', '=', id)
      .where('state', '=', 'draft')
      .executeTakeFirstOrThrow();
    // A late click must not take with its task what was handed in.
    if (numUpdatedRows === 0n) throw new HttpError(409, 'handed_in', 'This was handed in or skipped already.');
    await this.release(user, taskId);
    // A conversation of one's own choice is nobody else's task.
    await this.#db.deleteFrom('tasks').where('id', '=', taskId).where('prompt', '=', '[]').execute();
  }

  async release(user: string, taskId: string): Promise<void> {
    await this.#db
      .updateTable('tasks')
      .set({ holder_id: null, held_until: null })
      .where('id', '=', taskId)
      .where('holder_id', '=', user)
      .execute();
  }

  /**
   * Turns one of the last five contributions back into a draft and hands its task out again.
   * @returns null if somebody else holds the task: it then comes first when they are done
   * @throws HttpError 404, 409 if it is older than that
   */
  async undo(user: string, contributionId: string): Promise<Task | null> {
    const recent = await this.recent(user);
    const found = recent.find(({ id }) => id === contributionId);
    if (!found) {
      throw new HttpError(409, 'not_undoable', `Only the last ${undoable} that you handed in can be taken up again.`);
    }
    await this.#db
      .updateTable('contributions')
      .set({ state: 'draft', submitted_at: null })
      .where('id', '=', contributionId)
      .where('user_id', '=', user)
      .execute();
    return (await this.#hold(user, found.task_id)) ? this.#hand(user, found.task_id) : null;
  }

  /** Takes back what was said; the task stays one that this person has had. @throws HttpError 404 */
  async withdraw(user: string, contributionId: string): Promise<void> {
    const { numUpdatedRows } = await this.#db
      .updateTable('contributions')
      .set({ state: 'withdrawn', content: null })
      .where('id', '=', contributionId)
      .where('user_id', '=', user)
      .where('state', '=', 'submitted')
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) {
      throw new HttpError(404, 'contribution_not_found', `There is no contribution ${contributionId} of yours.`);
    }
  }

  /** What can be undone, newest first. */
  recent(user: string): Promise<ContributionRow[]> {
    return this.#db
      .selectFrom('contributions')
      .selectAll()
      .where('user_id', '=', user)
      .where('state', '=', 'submitted')
      .orderBy('submitted_at', 'desc')
      .orderBy('id', 'desc')
      .limit(undoable)
      .execute();
  }

  #openTo(user: string, kind: TaskKind) {
    return this.#db
      .selectFrom('tasks')
      .where('tasks.kind', '=', kind)
      .where('tasks.state', '=', 'open')
      .where((builder) => this.#isFreeFor(builder, user))
      .where(({ or, eb }) => or([eb('tasks.prompt', '!=', '[]'), eb('tasks.created_by', '=', user)]))
      .where(({ eb, selectFrom, fn, ref }) =>
        eb(
          selectFrom('contributions')
            .select(fn.countAll<number>().as('count'))
            .whereRef('contributions.task_id', '=', 'tasks.id')
            .where('contributions.state', '=', 'submitted'),
          '<',
          ref('tasks.people_wanted'),
        ),
      )
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('contributions')
              .select('contributions.id')
              .whereRef('contributions.task_id', '=', 'tasks.id')
              .where('contributions.user_id', '=', user)
              .where('contributions.state', '!=', 'draft'),
          ),
        ),
      )
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('task_answers')
              .select('task_answers.id')
              .whereRef('task_answers.task_id', '=', 'tasks.id')
              .where('task_answers.author_id', '=', user),
          ),
        ),
      );
  }

  #isFreeFor({ or, eb }: ExpressionBuilder<Tables, 'tasks'>, user: string): Expression<SqlBool> {
    return or([
      eb('tasks.holder_id', 'is', null),
      eb('tasks.holder_id', '=', user),
      eb('tasks.held_until', '<=', this.#now()),
    ]);
  }

  /** Guarded by the lease itself, so that no two can hold one task, whichever servers they ask. */
  async #hold(user: string, taskId: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('tasks')
      .set({ holder_id: user, held_until: this.#now() + leaseMilliseconds })
      .where('tasks.id', '=', taskId)
      .where((builder) => this.#isFreeFor(builder, user))
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  async #startConversation(user: string): Promise<Task> {
    const id = uuidv7();
    const now = this.#now();
    await this.#db
      .insertInto('tasks')
      .values({
        ...{ id, kind: 'demonstrate', state: 'open', failure: null, prompt: '[]', answers_wanted: 0, people_wanted: 1 },
        ...{ feedback_id: null, created_by: user, created_at: now, holder_id: user },
        held_until: now + leaseMilliseconds,
      })
      .execute();
    return this.#hand(user, id);
  }

  /** The task as this person sees it. The order of the answers is drawn once, at the first time. */
  async #hand(user: string, taskId: string): Promise<Task> {
    const task = await this.#db.selectFrom('tasks').selectAll().where('id', '=', taskId).executeTakeFirstOrThrow();
    const answers = await this.#db
      .selectFrom('task_answers')
      .select(['id', 'content'])
      .where('task_id', '=', taskId)
      .orderBy('id')
      .execute();
    await this.#db
      .insertInto('contributions')
      .values({
        ...{ id: uuidv7(), task_id: taskId, user_id: user, state: 'draft', content: null, milliseconds: 0 },
        shown_order: JSON.stringify(shuffled(answers.map(({ id }) => id))),
        created_at: this.#now(),
        submitted_at: null,
      })
      .onConflict((conflict) => conflict.columns(['task_id', 'user_id']).doNothing())
      .execute();
    const { shown_order, content, milliseconds } = await this.#contributionTo(user, taskId);
    const texts = new Map(answers.map((answer) => [answer.id, answer.content]));
    return {
      ...{ id: taskId, kind: task.kind, prompt: promptIn(task) },
      answers: (JSON.parse(shown_order) as string[]).map((id) => ({ id, content: texts.get(id) ?? '' })),
      draft: content === null ? null : JSON.parse(content),
      milliseconds,
      heldUntil: task.held_until ?? this.#now(),
    };
  }

  /** @throws HttpError 404 for a task that this person was never handed */
  async #contributionTo(user: string, taskId: string): Promise<ContributionRow & Pick<TaskRow, 'kind'>> {
    const row = await this.#db
      .selectFrom('contributions')
      .innerJoin('tasks', 'tasks.id', 'contributions.task_id')
      .selectAll('contributions')
      .select('tasks.kind')
      .where('contributions.task_id', '=', taskId)
      .where('contributions.user_id', '=', user)
      .executeTakeFirst();
    if (!row) throw new HttpError(404, 'task_not_found', `There is no task ${taskId} in your hands.`);
    return row;
  }

  async #promptOf(taskId: string): Promise<Task['prompt']> {
    const task = await this.#db.selectFrom('tasks').select('prompt').where('id', '=', taskId).executeTakeFirstOrThrow();
    return promptIn(task);
  }
}

function checkKind(kind: TaskKind, content: Content): void {
  if (content.kind !== kind) {
    throw new HttpError(400, 'wrong_kind', `content.kind is '${content.kind}'; this task is to ${kind}.`, {
      param: 'content.kind',
    });
  }
}

function stored(content: Content): string {
  return JSON.stringify(content, (_key, value) => (typeof value === 'string' ? storableText(value) : value));
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item);
}
