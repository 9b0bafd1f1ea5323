/** What a person sees of their own work. Nothing here counts who did most. */
import { type Contribution, type Overview, type TaskKind, taskKinds } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import type { Lab } from '../lab/lab.ts';
import { agreementByPerson } from './agreement.ts';
import { allRankings } from './rankings.ts';
import { type ContributionRow, questionIn, type TaskRow } from './tables.ts';
import type { TaskStore } from './tasks.ts';
import { type Usage, usageOf } from './usage.ts';

const day = 86_400_000;
/** So many of the newest contributions say how long a task takes. */
const timedContributions = 200;
const unused: Usage = { snapshots: [], models: [] };

/** What one's own work is looked up in. */
export interface OwnWork {
  lab: Lab;
  tasks: TaskStore;
}

/** @param utcOffset minutes from local time to UTC, as Date's getTimezoneOffset gives them */
export async function overviewOf(own: OwnWork, user: string, utcOffset: number): Promise<Overview> {
  const { tasks, lab } = own;
  const { db } = lab;
  const open = await tasks.openCounts(user);
  const kinds = await Promise.all(
    taskKinds.map(async (kind) => [kind, { open: open[kind], millisecondsEach: await medianTime(db, kind) }] as const),
  );
  const contributions = await contributionsOf(own, user);
  const days = new Set(
    contributions
      .filter(({ withdrawn }) => !withdrawn)
      .map(({ submittedAt }) => Math.floor((submittedAt - utcOffset * 60_000) / day)),
  );
  const today = Math.floor((Date.now() - utcOffset * 60_000) / day);
  return {
    kinds: Object.fromEntries(kinds) as Overview['kinds'],
    streak: streakUntil(today, days),
    doneToday: days.has(today),
    agreement: agreementByPerson(await allRankings(db)).get(user) ?? null,
    recent: contributions.filter(({ undoable }) => undoable),
    used: contributions.filter(({ snapshots }) => snapshots.length > 0).length,
  };
}

/** Days in a row up to today, or up to yesterday while today may still come. */
export function streakUntil(today: number, days: ReadonlySet<number>): number {
  let length = 0;
  for (let last = days.has(today) ? today : today - 1; days.has(last); last--) length++;
  return length;
}

/** Everything that a person has handed in, newest first. */
export async function contributionsOf({ lab, tasks }: OwnWork, user: string): Promise<Contribution[]> {
  const undoable = new Set((await tasks.recent(user)).map(({ id }) => id));
  const usage = await usageOf(lab, user);
  const rows = await lab.db
    .selectFrom('contributions')
    .innerJoin('tasks', 'tasks.id', 'contributions.task_id')
    .selectAll('contributions')
    .select(['tasks.kind', 'tasks.prompt'])
    .where('contributions.user_id', '=', user)
    .where('contributions.state', 'in', ['submitted', 'withdrawn'])
    .orderBy('contributions.submitted_at', 'desc')
    .orderBy('contributions.id', 'desc')
    .execute();
  return rows.map((row) => toContribution(row, undoable.has(row.id), usage.get(row.id) ?? unused));
}

function toContribution(
  row: ContributionRow & Pick<TaskRow, 'kind' | 'prompt'>,
  undoable: boolean,
  usage: Usage,
): Contribution {
  return {
    id: row.id,
    taskId: row.task_id,
    kind: row.kind,
    prompt: questionIn(row),
    submittedAt: row.submitted_at ?? row.created_at,
    milliseconds: row.milliseconds,
    withdrawn: row.state === 'withdrawn',
    undoable,
    ...usage,
  };
}

async function medianTime(db: Db, kind: TaskKind): Promise<number | null> {
  const rows = await db
    .selectFrom('contributions')
    .innerJoin('tasks', 'tasks.id', 'contributions.task_id')
    .select('contributions.milliseconds')
    .where('tasks.kind', '=', kind)
    .where('contributions.state', '=', 'submitted')
    .orderBy('contributions.submitted_at', 'desc')
    .limit(timedContributions)
    .execute();
  const times = rows.map(({ milliseconds }) => milliseconds).sort((one, other) => one - other);
  return times[Math.floor(times.length / 2)] ?? null;
}
