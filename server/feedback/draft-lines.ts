import type { Preference } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { originOf, originsOf, promptOf } from './answer-origin.ts';

/**
 * Choices between two drafts, oldest first: a pair where one was better, a ranking with a tie where both were as good,
 * and two thumbs down where both were bad.
 */
export async function draftLines(db: Db): Promise<Preference[]> {
  const rows = await db
    .selectFrom('draft_pairs')
    .innerJoin('messages as left', 'left.id', 'draft_pairs.left_message_id')
    .innerJoin('messages as right', 'right.id', 'draft_pairs.right_message_id')
    .selectAll('draft_pairs')
    .select(['left.content as left_content', 'right.content as right_content', 'left.parent_id'])
    .where('draft_pairs.choice', 'is not', null)
    .where('left.status', 'in', ['stop', 'length'])
    .where('right.status', 'in', ['stop', 'length'])
    .orderBy('draft_pairs.id')
    .execute();
  const lines: Preference[] = [];
  for (const row of rows) {
    const left = { text: row.left_content, origin: await originOf(db, row.left_message_id) };
    const right = { text: row.right_content, origin: await originOf(db, row.right_message_id) };
    const said = { prompt: await promptOf(db, row.parent_id!), id: row.id, author: row.user_id };
    const createdAt = row.chosen_at ?? row.created_at;
    if (row.choice === 'neither') {
      for (const { text, origin } of [left, right]) {
        lines.push({ ...said, answer: text, thumb: 'down', createdAt, ...origin });
      }
      continue;
    }
    const [first, second] = row.choice === 'right' ? [right, left] : [left, right];
    const origins = originsOf([first.origin, second.origin]);
    lines.push(
      row.choice === 'tie'
        ? { ...said, answers: [first.text, second.text], ranking: [1, 1], createdAt, ...origins }
        : { ...said, chosen: first.text, rejected: second.text, createdAt, ...origins },
    );
  }
  return lines;
}
