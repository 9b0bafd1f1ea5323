/** Rankings as they were handed in. */
import type { Content, Work } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import type { RankedBy } from './agreement.ts';

/** A rank per answer in the order of `answers`; null for somebody who only said that none is good. */
export function ranksOf(content: Content, answers: readonly string[]): number[] | null {
  if (content.kind !== 'rank' || answers.some((id) => content.ranks[id] === undefined)) return null;
  return answers.map((id) => content.ranks[id]!);
}

/** All rankings, with ranks in the order of each task's answers. */
export async function allRankings(db: Db): Promise<RankedBy[]> {
  const answers = await db.selectFrom('task_answers').select(['id', 'task_id']).orderBy('id').execute();
  const byTask = new Map<string, string[]>();
  for (const { id, task_id } of answers) byTask.set(task_id, [...(byTask.get(task_id) ?? []), id]);
  const rows = await db
    .selectFrom('contributions')
    .innerJoin('tasks', 'tasks.id', 'contributions.task_id')
    .select(['contributions.task_id', 'contributions.user_id', 'contributions.content'])
    .where('tasks.kind', '=', 'rank')
    .where('contributions.state', '=', 'submitted')
    .orderBy('contributions.id')
    .execute();
  return rows.flatMap(({ task_id, user_id, content }) => {
    const ranking = ranksOf(contentIn({ content }), byTask.get(task_id) ?? []);
    return ranking ? [{ taskId: task_id, userId: user_id, ranking }] : [];
  });
}

/** The content of a contribution that was handed in. */
export function contentIn({ content }: { content: string | null }): Work['content'] {
  if (content === null) throw new Error('a contribution without content was taken for one that was handed in');
  return JSON.parse(content);
}
