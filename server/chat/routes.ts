/** The routes of contracts/chat.ts. */
import { againRequestSchema, type Message, type StreamEvent, sendRequestSchema } from '@parley/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import {
  conversationOf,
  createConversation,
  deleteConversation,
  feedbackOn,
  listConversations,
  messageOf,
  messagesOf,
  renameConversation,
} from './conversations.ts';
import { ask, continueAnswer, regenerate, type Turns } from './turns.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const createSchema = z.object({});
const renameSchema = z.object({ title: z.string().trim().min(1).max(200) });

export function addChatRoutes(app: FastifyInstance, turns: Turns): void {
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
    return renameConversation(db, userOf(request).id, id, parse(renameSchema, request.body).title);
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
    return { messages: await messagesOf(db, userOf(request).id, id) };
  });

  app.post('/api/conversations/:id/messages', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const { question, answer } = await ask(turns, userOf(request).id, id, parse(sendRequestSchema, request.body));
    return streamAnswer(request, reply, answer, question);
  });

  app.post('/api/messages/:id/regenerate', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    return streamAnswer(
      request,
      reply,
      await regenerate(turns, userOf(request).id, id, parse(againRequestSchema, request.body).sampling),
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
    return streamAnswer(request, reply, message);
  });

  app.post('/api/messages/:id/stop', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await messageOf(db, userOf(request).id, id);
    answers.stop(id);
    return reply.code(204).send();
  });

  /** The answer's events from here on; an answer that has ended meanwhile is given whole. */
  function streamAnswer(
    request: FastifyRequest,
    reply: FastifyReply,
    answer: Message,
    question: Message | null = null,
  ): Promise<void> {
    const user = userOf(request).id;
    return sendEvents(reply, async function* (gone) {
      const running = answers.events(answer.id, question, gone);
      for await (const streamEvent of running ?? ended(await messageOf(db, user, answer.id), question)) {
        yield event(streamEvent.type === 'done' ? await withFeedback(streamEvent, user) : streamEvent);
      }
    });
  }

  /** A thumb may have been given while the answer was being written. */
  async function withFeedback(done: StreamEvent & { type: 'done' }, user: string): Promise<StreamEvent> {
    return { ...done, answer: { ...done.answer, feedback: await feedbackOn(db, user, done.answer.id) } };
  }
}

function* ended(answer: Message, question: Message | null): Generator<StreamEvent> {
  yield { type: 'start', question, answer };
  yield { type: 'done', answer };
}
