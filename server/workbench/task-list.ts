/** The tasks as those see them who make them: how far each is, what was said, and how far people agree. */
import type { PersonAgreement, TaskDetail, TaskEntry } from '@parley/contracts';
import { mergeRankings } from '@parley/lm/data';
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import { agreementByPerson, agreementOn, type RankedBy } from './agreement.ts';
import { allRankings, contentIn, ranksOf } from './rankings.ts';
import { promptIn, questionIn, type TaskRow } from './tables.ts';

const shownTasks = 300;

/** Newest first. */
export async function listTasks(db: Db): Promise<TaskEntry[]> {
  const rows = await taskRows(db).orderBy('tasks.id', 'desc').limit(shownTasks).execute();
  const rankings = await allRankings(db);
  return rows.map((row) => toEntry(row, rankings));
}

/** Everybody who has handed something in, by name. */
export async function agreementOfPeople(db: Db): Promise<PersonAgreement[]> {
  const agreements = agreementByPerson(await allRankings(db));
  const rows = await db
    .selectFrom('contributions')
    .innerJoin('users', 'users.id', 'contributions.user_id')
    .select(({ fn }) => ['users.id', 'users.name', fn.countAll().as('count')])
    .where('contributions.state', '=', 'submitted')
    .groupBy(['users.id', 'users.name'])
    .orderBy('users.name')
    .execute();
  return rows.map(({ id, name, count }) => ({
    ...{ userId: id, name, contributions: Number(count) },
    agreement: agreements.get(id) ?? null,
  }));
}

/** @throws HttpError 404 */
export async function taskDetail(db: Db, id: string): Promise<TaskDetail> {
  const row = await taskRows(db).where('tasks.id', '=', id).executeTakeFirst();
  if (!row) throw noSuchTask(id);
  const answers = await db.selectFrom('task_answers').selectAll().where('task_id', '=', id).orderBy('id').execute();
  const said = await db
    .selectFrom('contributions')
    .innerJoin('users', 'users.id', 'contributions.user_id')
    .selectAll('contributions')
    .select('users.name')
    .where('contributions.task_id', '=', id)
    .where('contributions.state', '=', 'submitted')
    .orderBy('contributions.submitted_at')
    .execute();
  const ids = answers.map((answer) => answer.id);
  const rankings = said.flatMap((one) => {
    const ranking = ranksOf(contentIn(one), ids);
    return ranking ? [{ taskId: id, userId: one.user_id, ranking }] : [];
  });
  return {
    ...toEntry(row, rankings),
    prompt: promptIn(row),
    answerTexts: answers.map((answer) => ({
      id: answer.id,
      content: answer.content,
      model: answer.model_name,
      seed: answer.sampling === null ? null : JSON.parse(answer.sampling).seed,
    })),
    said: said.map((one) => ({
      name: one.name,
      content: contentIn(one),
      shownOrder: JSON.parse(one.shown_order),
      milliseconds: one.milliseconds,
      submittedAt: one.submitted_at ?? one.created_at,
    })),
    merged: rankings.length === 0 ? null : mergeRankings(rankings.map(({ ranking }) => ranking)),
  };
}

/** @throws HttpError 404 */
export async function deleteTask(db: Db, id: string): Promise<void> {
  const { numDeletedRows } = await db.deleteFrom('tasks').where('id', '=', id).executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw noSuchTask(id);
}

function taskRows(db: Db) {
  return db
    .selectFrom('tasks')
    .selectAll('tasks')
    .select(({ selectFrom, fn }) => [
      selectFrom('task_answers')
        .select(fn.countAll().as('count'))
        .whereRef('task_answers.task_id', '=', 'tasks.id')
        .as('answers'),
      selectFrom('contributions')
        .select(fn.countAll().as('count'))
        .whereRef('contributions.task_id', '=', 'tasks.id')
        .where('contributions.state', '=', 'submitted')
        .as('contributions'),
    ]);
}

type CountedRow = TaskRow & Record<'answers' | 'contributions', string | number | bigint | null>;

function toEntry(row: CountedRow, rankings: readonly RankedBy[]): TaskEntry {
  const contributions = Number(row.contributions);
  return {
    id: row.id,
    kind: row.kind,
    state: row.state === 'open' && contributions >= row.people_wanted ? 'done' : row.state,
    failure: row.failure,
    question: questionIn(row),
    answers: Number(row.answers),
    peopleWanted: row.people_wanted,
    contributions,
    held: row.held_until !== null && row.held_until > Date.now(),
    tau: agreementOn(rankings.filter(({ taskId }) => taskId === row.id).map(({ ranking }) => ranking)),
    fromThumb: row.feedback_id !== null,
    createdAt: row.created_at,
  };
}

function noSuchTask(id: string): HttpError {
  return new HttpError(404, 'task_not_found', `There is no task ${id}.`);
}
