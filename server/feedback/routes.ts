/**
 * Thumbs and comments on answers. Each row keeps the model that wrote the answer; the prompt's exact tokens
 * are with the answer's generations, so a later training run can score what was really said.
 */
import { feedbackRequestSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { messageOf, toFeedback } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError, parse } from '../http/errors.ts';

const idSchema = z.object({ id: z.uuid('not an id') });

export function addFeedbackRoutes(app: FastifyInstance, db: Db): void {
  app.put('/api/messages/:id/feedback', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    const asked = parse(feedbackRequestSchema, request.body);
    const { thumb } = asked;
    const comment = storableText(asked.comment);
    const message = await messageOf(db, userOf(request).id, id);
    if (message.role !== 'assistant') {
      throw new HttpError(400, 'not_an_answer', `Message ${id} is a question; feedback is on answers.`);
    }
    const now = Date.now();
    const row = await db
      .insertInto('feedback')
      .columns([
        'id',
        'message_id',
        'user_id',
        'thumb',
        'comment',
        'model_name',
        'weights_hash',
        'created_at',
        'updated_at',
      ])
      .expression((query) =>
        query
          .selectFrom('messages')
          .select(({ val, ref }) => [
            val(uuidv7()).as('id'),
            ref('messages.id').as('message_id'),
            val(userOf(request).id).as('user_id'),
            val(thumb).as('thumb'),
            val(comment).as('comment'),
            ref('messages.model_name').as('model_name'),
            ref('messages.weights_hash').as('weights_hash'),
            val(now).as('created_at'),
            val(now).as('updated_at'),
          ])
          .where('messages.id', '=', id),
      )
      .onConflict((conflict) =>
        conflict.columns(['message_id', 'user_id']).doUpdateSet({ thumb, comment, updated_at: now }),
      )
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
}
