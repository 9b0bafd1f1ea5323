/**
 * What people think of answers: thumbs with their reasons, comments and better answers, and which of two drafts is
 * better. Each thumb keeps the model that wrote the answer; the prompt's exact tokens are with the answer's
 * generations, so a later training run can score what was really said.
 */
import { draftChoiceRequestSchema, feedbackRequestSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { messageOf, toFeedback } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError, parse } from '../http/errors.ts';
import { chooseDraft, draftPairsOf } from './drafts.ts';

const idSchema = z.object({ id: z.uuid('not an id') });

export function addFeedbackRoutes(app: FastifyInstance, db: Db): void {
  app.put('/api/messages/:id/feedback', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    const { thumb, reasons, comment, betterAnswer } = parse(feedbackRequestSchema, request.body);
    const message = await messageOf(db, userOf(request).id, id);
    if (message.role !== 'assistant') {
      throw new HttpError(400, 'not_an_answer', `Message ${id} is a question; feedback is on answers.`);
    }
    const now = Date.now();
    const said = {
      thumb,
      reasons: JSON.stringify([...new Set(reasons)]),
      comment: storableText(comment),
      better_answer: storableText(betterAnswer),
      updated_at: now,
    };
    const row = await db
      .insertInto('feedback')
      .values(({ selectFrom }) => {
        const message = selectFrom('messages').where('messages.id', '=', id);
        return {
          id: uuidv7(),
          message_id: id,
          user_id: userOf(request).id,
          ...said,
          model_name: message.select('model_name'),
          weights_hash: message.select('weights_hash'),
          created_at: now,
        };
      })
      .onConflict((conflict) => conflict.columns(['message_id', 'user_id']).doUpdateSet(said))
      .returningAll()
      .executeTakeFirstOrThrow();
    return toFeedback(row);
  });

  app.delete('/api/messages/:id/feedback', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await messageOf(db, userOf(request).id, id);
    await db.deleteFrom('feedback').where('message_id', '=', id).where('user_id', '=', userOf(request).id).execute();
    return reply.code(204).send();
  });

  app.get('/api/conversations/:id/drafts', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return { drafts: await draftPairsOf(db, userOf(request).id, id) };
  });

  app.put('/api/drafts/:id', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return chooseDraft(db, userOf(request).id, id, parse(draftChoiceRequestSchema, request.body).choice);
  });
}
