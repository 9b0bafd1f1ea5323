import type { Demonstration, Label, Preference } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { unpackTokens } from '../db/schema.ts';
import { type Origin, originsOf } from '../feedback/answer-origin.ts';
import { demonstrationLine } from '../feedback/thumb-lines.ts';
import { contentIn, ranksOf } from './rankings.ts';
import { promptIn, type TaskAnswerRow } from './tables.ts';

/**
 * What trainers have handed in, oldest first: each person's ranking as it is, a thumb down on every answer of a task
 * where none is good, labels, and conversations.
 */
export async function contributionLines(db: Db): Promise<(Preference | Demonstration | Label)[]> {
  const answers = await db.selectFrom('task_answers').selectAll().orderBy('id').execute();
  const byTask = new Map<string, TaskAnswerRow[]>();
  for (const answer of answers) byTask.set(answer.task_id, [...(byTask.get(answer.task_id) ?? []), answer]);
  const rows = await db
    .selectFrom('contributions')
    .innerJoin('tasks', 'tasks.id', 'contributions.task_id')
    .selectAll('contributions')
    .select('tasks.prompt')
    .where('contributions.state', '=', 'submitted')
    .orderBy('contributions.submitted_at')
    .orderBy('contributions.id')
    .execute();
  return rows.flatMap((row): (Preference | Demonstration | Label)[] => {
    const content = contentIn(row);
    const who = { id: row.id, author: row.user_id };
    if (content.kind === 'demonstrate') return [demonstrationLine(who, content.messages)];
    const own = byTask.get(row.task_id) ?? [];
    const origins = own.map(originIn);
    const said = {
      ...{ prompt: promptIn(row), ...who, createdAt: row.submitted_at ?? row.created_at },
      ...(content.comment !== '' && { comment: content.comment }),
    };
    if (content.kind === 'label') {
      const { questions, flags, scales } = content;
      return own.map(({ content: answer }, index) => ({
        ...{ ...said, ...origins[index], answer, labels: { questions, flags, scales } },
      }));
    }
    const ranking = ranksOf(
      content,
      own.map(({ id }) => id),
    );
    const shown: string[] = JSON.parse(row.shown_order);
    const shownOrder = shown.map((id) => own.findIndex((answer) => answer.id === id));
    return [
      ...(ranking
        ? [
            {
              ...{ ...said, answers: own.map((answer) => answer.content), ranking, shownOrder },
              ...{ milliseconds: row.milliseconds, ...originsOf(origins) },
            },
          ]
        : []),
      ...(content.noneGood
        ? own.map(({ content: answer }, index) => ({ ...said, ...origins[index], answer, thumb: 'down' as const }))
        : []),
    ];
  });
}

function originIn(row: TaskAnswerRow): Origin {
  return {
    ...(row.model_name !== null &&
      row.weights_hash !== null && { model: { name: row.model_name, weightsHash: row.weights_hash } }),
    ...(row.sampling !== null && { sampling: JSON.parse(row.sampling) }),
    ...(row.prompt_tokens !== null && { promptTokens: unpackTokens(row.prompt_tokens) }),
  };
}
