/** The routes of contracts/chat.ts. */
import {
  againRequestSchema,
  conversationChangeSchema,
  type Message,
  type StreamEvent,
  sendRequestSchema,
} from '@parley/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import type { Drafts } from '../feedback/drafts.ts';
import { HttpError, parse } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import { type Place, storedEvents } from './answer.ts';
import {
  changeConversation,
  conversationOf,
  createConversation,
  deleteConversation,
  feedbackOn,
  listConversations,
  messageOf,
  messagesOf,
  newestRun,
} from './conversations.ts';
import { ask, continueAnswer, regenerate, type Turns } from './turns.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const createSchema = z.object({});
const afterSchema = z.object({ after: z.string().max(100).optional() });

export function addChatRoutes(app: FastifyInstance, turns: Turns, drafts: Drafts): void {
  const { db, answers } = turns;

  app.get('/api/conversations', access('user'), async (request) => ({
    conversations: await listConversations(db, userOf(request).id),
  }));

  app.post('/api/conversations', access('user'), async (request, reply) => {
    parse(createSchema, request.body);
    return reply.code(201).send(await createConversation(db, userOf(request).id));
  });

  app.patch('/api/conversations/:id', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return changeConversation(db, userOf(request).id, id, parse(conversationChangeSchema, request.body));
  });

  app.delete('/api/conversations/:id', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await conversationOf(db, userOf(request).id, id);
    answers.stopConversation(id);
    await deleteConversation(db, userOf(request).id, id);
    return reply.code(204).send();
  });

  app.get('/api/conversations/:id/messages', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return { messages: await messagesOf(db, userOf(request).id, id, answers.textsIn(id)) };
  });

  app.post('/api/conversations/:id/messages', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const asked = parse(sendRequestSchema, request.body);
    const { question, answer } = await ask(turns, userOf(request).id, id, asked);
    await drafts.offer(userOf(request).id, question, answer, asked.sampling);
    return streamAnswer(request, reply, answer, { question });
  });

  app.post('/api/messages/:id/regenerate', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    return streamAnswer(
      request,
      reply,
      await regenerate(turns, userOf(request).id, id, parse(againRequestSchema, request.body)),
    );
  });

  app.post('/api/messages/:id/continue', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    return streamAnswer(
      request,
      reply,
      await continueAnswer(turns, userOf(request).id, id, parse(againRequestSchema, request.body).sampling),
    );
  });

  app.get('/api/messages/:id/stream', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const message = await messageOf(db, userOf(request).id, id);
    if (message.role !== 'assistant') {
      throw new HttpError(400, 'not_an_answer', `Message ${id} is a question; only answers are streamed.`);
    }
    return streamAnswer(request, reply, message, { after: placeOf(request) });
  });

  app.post('/api/messages/:id/stop', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await messageOf(db, userOf(request).id, id);
    answers.stop(id);
    return reply.code(204).send();
  });

  /** The answer's events from here on, or from the reader's place; one that has ended is given from the database. */
  function streamAnswer(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: Message,
    { question = null, after = null }: { question?: Message | null; after?: Place | null } = {},
  ): Promise<void> {
    const user = userOf(request).id;
    return sendEvents(reply, async function* (gone) {
      const events =
        answers.events(answer.id, { question, after }, gone) ??
        storedEvents(await messageOf(db, user, answer.id), await newestRun(db, answer.id), { question, after });
      for await (const { event: streamEvent, place } of events) {
        const complete = streamEvent.type === 'done' ? await withFeedback(streamEvent, user) : streamEvent;
        yield event(complete, `${place.run}.${place.position}`);
      }
    });
  }

  /** A thumb may have been given while the answer was being written. */
  async function withFeedback(done: StreamEvent & { type: 'done' }, user: string): Promise<StreamEvent> {
    return { ...done, answer: { ...done.answer, feedback: await feedbackOn(db, user, done.answer.id) } };
  }
}

/** Where a reader that comes back stands, as the id of the last event it got; anything else is no place. */
function placeOf(request: FastifyRequest): Place | null {
  const { after } = parse(afterSchema, request.query);
  const [run, position] = (after ?? String(request.headers['last-event-id'] ?? '')).split('.');
  return run && /^\d{1,9}$/.test(position ?? '') ? { run, position: Number(position) } : null;
}
