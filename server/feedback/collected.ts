/**
 * What people said, as preference lines (contracts/preference.ts): read straight from the database file, so that a
 * snapshot can be taken while a server is using it. What was withdrawn is no longer there and so is not read.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatMessage, type ThumbedAnswer, thumbedAnswerSchema } from '@parley/contracts';
import Libsql from 'libsql';
import { type FeedbackRow, type MessageRow, type TokenColumn, unpackTokens } from '../db/schema.ts';

type JudgedRow = FeedbackRow & {
  content: string;
  parent_id: string;
  sampling: string | null;
  prompt_tokens: TokenColumn | null;
};

/**
 * All thumbs in `home`, oldest first, each with its conversation up to the answer.
 * @throws Error if there is no database
 */
export function collectedThumbs(home: string): ThumbedAnswer[] {
  const path = join(home, 'parley.db');
  if (!existsSync(path)) throw new Error(`there is no database ${path}; set PARLEY_HOME to the server's folder`);
  const connection = new Libsql(path, { readonly: true });
  try {
    // One moment in time, whatever the server writes meanwhile.
    connection.exec('BEGIN');
    const judged = connection
      .prepare(
        `SELECT feedback.*, messages.content, messages.parent_id, generations.sampling, generations.prompt_tokens
           FROM feedback JOIN messages ON messages.id = feedback.message_id
           LEFT JOIN generations ON generations.id =
             (SELECT min(id) FROM generations WHERE message_id = messages.id)
          WHERE messages.status IN ('stop', 'length')
          ORDER BY feedback.created_at, feedback.id`,
      )
      .all() as JudgedRow[];
    const message = connection.prepare('SELECT * FROM messages WHERE id = ?');
    const conversationUpTo = (id: string | null): ChatMessage[] => {
      if (id === null) return [];
      const { parent_id, role, content } = message.get(id) as MessageRow;
      return [...conversationUpTo(parent_id), { role, content }];
    };
    return judged.map((row) =>
      thumbedAnswerSchema.parse({
        id: row.id,
        prompt: conversationUpTo(row.parent_id),
        answer: row.content,
        thumb: row.thumb,
        ...(row.comment !== '' && { comment: row.comment }),
        author: row.user_id,
        createdAt: row.updated_at,
        ...(row.model_name !== null &&
          row.weights_hash !== null && { model: { name: row.model_name, weightsHash: row.weights_hash } }),
        ...(row.sampling !== null && { sampling: JSON.parse(row.sampling) }),
        ...(row.prompt_tokens !== null && { promptTokens: unpackTokens(row.prompt_tokens) }),
      }),
    );
  } finally {
    connection.close();
  }
}
