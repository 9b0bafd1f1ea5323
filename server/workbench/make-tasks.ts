/** Where tasks come from: answers that people did not like, and lists of prompts. */
import type { ChatMessage, TaskKind, ThumbedMessage } from '@parley/contracts';
import type { Transaction } from 'kysely';
import { pathTo } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import type { TaskAnswerRow, TaskRow } from './tables.ts';

/** Different people who judge the same answers. */
const overlap = 3;
/** Thumbs that are shown to choose from. */
const shownThumbs = 300;

/** Answers with a thumb down, newest first. */
export async function thumbsDown(db: Db): Promise<ThumbedMessage[]> {
  const rows = await db
    .selectFrom('feedback')
    .innerJoin('messages as answer', 'answer.id', 'feedback.message_id')
    .innerJoin('messages as question', 'question.id', 'answer.parent_id')
    .leftJoin('tasks', 'tasks.feedback_id', 'feedback.id')
    .selectAll('feedback')
    .select(['answer.content as answer', 'question.content as question', 'tasks.id as task_id'])
    .where('feedback.thumb', '=', 'down')
    .where('answer.status', 'in', ['stop', 'length'])
    .orderBy('feedback.updated_at', 'desc')
    .limit(shownThumbs)
    .execute();
  return rows.map((row) => ({
    feedbackId: row.id,
    question: row.question,
    answer: row.answer,
    reasons: JSON.parse(row.reasons),
    comment: row.comment,
    betterAnswer: row.better_answer,
    createdAt: row.created_at,
    taskId: row.task_id,
  }));
}

/**
 * Makes a ranking task of each vote that has none yet: the answer that was voted on, the better one that came with the
 * vote, and as many of the present model's as are wanted in all, which are written later.
 * @returns how many
 */
export async function tasksFromThumbs(
  db: Db,
  creator: string,
  feedbackIds: readonly string[],
  answers: number,
): Promise<number> {
  let made = 0;
  for (const feedbackId of new Set(feedbackIds)) {
    made += await db.transaction().execute((transaction) => taskFromThumb(transaction, creator, feedbackId, answers));
  }
  return made;
}

async function taskFromThumb(
  db: Transaction<Tables>,
  creator: string,
  feedbackId: string,
  answers: number,
): Promise<0 | 1> {
  const vote = await db
    .selectFrom('feedback')
    .innerJoin('messages', 'messages.id', 'feedback.message_id')
    .selectAll('feedback')
    .select(['messages.content', 'messages.parent_id'])
    .where('feedback.id', '=', feedbackId)
    .where('messages.status', 'in', ['stop', 'length'])
    .executeTakeFirst();
  if (!vote?.parent_id) return 0;
  const prompt = (await pathTo(db, vote.parent_id)).map(({ role, content }) => ({ role, content }));
  const task = newTask(creator, 'rank', prompt, { answers, feedbackId });
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('tasks')
    .values(task)
    .onConflict((conflict) => conflict.column('feedback_id').doNothing())
    .executeTakeFirstOrThrow();
  if (!numInsertedOrUpdatedRows) return 0;

  const drawn = await db
    .selectFrom('generations')
    .selectAll()
    .where('message_id', '=', vote.message_id)
    .orderBy('id')
    .executeTakeFirst();
  const original = {
    ...newAnswer(task.id, vote.content),
    ...{ model_name: vote.model_name, weights_hash: vote.weights_hash, sampling: drawn?.sampling ?? null },
    prompt_tokens: asBuffer(drawn?.prompt_tokens),
    answer_tokens: asBuffer(drawn?.answer_tokens),
  };
  const better = { ...newAnswer(task.id, vote.better_answer), author_id: vote.user_id };
  await db
    .insertInto('task_answers')
    .values(vote.better_answer === '' ? [original] : [original, better])
    .execute();
  return 1;
}

/** Tasks that begin with a question each. @returns how many */
export async function tasksFromPrompts(
  db: Db,
  creator: string,
  kind: TaskKind,
  prompts: readonly string[],
  answers: number,
): Promise<number> {
  const rows = [...new Set(prompts.map(storableText))].map((content) =>
    newTask(creator, kind, [{ role: 'user', content }], {
      answers: { rank: answers, label: 1, demonstrate: 0 }[kind],
      feedbackId: null,
    }),
  );
  await db.transaction().execute(async (transaction) => {
    for (const row of rows) await transaction.insertInto('tasks').values(row).execute();
  });
  return rows.length;
}

function newTask(
  creator: string,
  kind: TaskKind,
  prompt: readonly ChatMessage[],
  { answers, feedbackId }: { answers: number; feedbackId: string | null },
): TaskRow {
  return {
    id: uuidv7(),
    kind,
    state: answers === 0 ? 'open' : 'preparing',
    failure: null,
    prompt: JSON.stringify(prompt),
    answers_wanted: answers,
    people_wanted: kind === 'demonstrate' ? 1 : overlap,
    feedback_id: feedbackId,
    created_by: creator,
    created_at: Date.now(),
    holder_id: null,
    held_until: null,
  };
}

export function newAnswer(taskId: string, content: string): TaskAnswerRow {
  return {
    ...{ id: uuidv7(), task_id: taskId, content, author_id: null },
    ...{ model_name: null, weights_hash: null, sampling: null, prompt_tokens: null, answer_tokens: null },
    created_at: Date.now(),
  };
}

/** libsql gives an ArrayBuffer and takes a Buffer. */
function asBuffer(column: ArrayBuffer | Buffer | null | undefined): Buffer | null {
  if (!column) return null;
  return Buffer.isBuffer(column) ? column : Buffer.from(column);
}
