/** The routes of contracts/chat.ts. */
import { againRequestSchema, type Message, type StreamEvent, sendRequestSchema } from '@parley/contracts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { HttpError, parse } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import {
  conversationOf,
  createConversation,
  deleteConversation,
  listConversations,
  messageOf,
  messagesOf,
  renameConversation,
} from './conversations.ts';
import { ask, continueAnswer, regenerate, type Turns } from './turns.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const createSchema = z.object({});
const renameSchema = z.object({ title: z.string().trim().min(1).max(200) });

/** @param user the id of whoever asks */
export function addChatRoutes(app: FastifyInstance, turns: Turns, user: () => string): void {
  const { db, answers } = turns;

  app.get('/api/conversations', async () => ({ conversations: await listConversations(db, user()) }));

  app.post('/api/conversations', async (request, reply) => {
    parse(createSchema, request.body);
    return reply.code(201).send(await createConversation(db, user()));
  });

  app.patch('/api/conversations/:id', async (request) => {
    const { id } = parse(idSchema, request.params);
    return renameConversation(db, user(), id, parse(renameSchema, request.body).title);
  });

  app.delete('/api/conversations/:id', async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await conversationOf(db, user(), id);
    answers.stopConversation(id);
    await deleteConversation(db, user(), id);
    return reply.code(204).send();
  });

  app.get('/api/conversations/:id/messages', async (request) => {
    const { id } = parse(idSchema, request.params);
    return { messages: await messagesOf(db, user(), id) };
  });

  app.post('/api/conversations/:id/messages', async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const { question, answer } = await ask(turns, user(), id, parse(sendRequestSchema, request.body));
    return streamAnswer(reply, answer, question);
  });

  app.post('/api/messages/:id/regenerate', async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    return streamAnswer(reply, await regenerate(turns, user(), id, parse(againRequestSchema, request.body).sampling));
  });

  app.post('/api/messages/:id/continue', async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    return streamAnswer(
      reply,
      await continueAnswer(turns, user(), id, parse(againRequestSchema, request.body).sampling),
    );
  });

  app.get('/api/messages/:id/stream', async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const message = await messageOf(db, user(), id);
    if (message.role !== 'assistant') {
      throw new HttpError(400, 'not_an_answer', `Message ${id} is a question; only answers are streamed.`);
    }
    return streamAnswer(reply, message);
  });

  app.post('/api/messages/:id/stop', async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await messageOf(db, user(), id);
    answers.stop(id);
    return reply.code(204).send();
  });

  /** The answer's events from here on; an answer that has ended meanwhile is given whole. */
  function streamAnswer(reply: FastifyReply, answer: Message, question: Message | null = null): Promise<void> {
    return sendEvents(reply, async function* (gone) {
      const events = answers.events(answer.id, question, gone) ?? finished(answer.id, question);
      for await (const streamEvent of events) yield event(streamEvent);
    });
  }

  async function* finished(id: string, question: Message | null): AsyncGenerator<StreamEvent> {
    const answer = await messageOf(db, user(), id);
    yield { type: 'start', question, answer };
    yield { type: 'done', answer };
  }
}
