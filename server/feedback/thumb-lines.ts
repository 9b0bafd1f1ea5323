import type { ChatMessage, Demonstration, Preference } from '@parley/contracts';
import { languageOf } from '@parley/lm/data';
import type { Db } from '../db/database.ts';
import { originOf, originsOf, promptOf } from './answer-origin.ts';

/**
 * Votes, oldest first, each with its conversation up to the answer. A better answer that came with a vote is a pair
 * with the one that it corrects, and a demonstration.
 */
export async function thumbLines(db: Db): Promise<(Preference | Demonstration)[]> {
  const rows = await db
    .selectFrom('feedback')
    .innerJoin('messages', 'messages.id', 'feedback.message_id')
    .selectAll('feedback')
    .select(['messages.content', 'messages.parent_id'])
    .where('messages.status', 'in', ['stop', 'length'])
    .orderBy('feedback.created_at')
    .orderBy('feedback.id')
    .execute();
  const lines: (Preference | Demonstration)[] = [];
  for (const row of rows) {
    const said = { id: row.id, author: row.user_id, createdAt: row.updated_at };
    const prompt = await promptOf(db, row.parent_id!);
    const origin = await originOf(db, row.message_id);
    const reasons = JSON.parse(row.reasons);
    lines.push({
      prompt,
      answer: row.content,
      thumb: row.thumb,
      ...(reasons.length > 0 && { reasons }),
      ...(row.comment !== '' && { comment: row.comment }),
      ...said,
      ...origin,
    });
    if (row.better_answer !== '') {
      lines.push(
        { prompt, chosen: row.better_answer, rejected: row.content, ...said, ...originsOf([{}, origin]) },
        demonstrationLine(said, [...prompt, { role: 'assistant', content: row.better_answer }]),
      );
    }
  }
  return lines;
}

/** A conversation that a person wrote, or ended. */
export function demonstrationLine(
  { id, author }: { id: string; author: string },
  messages: ChatMessage[],
): Demonstration {
  const language = languageOf(messages.map(({ content }) => content).join('\n'));
  return { id, author, messages, language: language === 'none' ? 'mixed' : language, task: 'people', source: 'people' };
}
