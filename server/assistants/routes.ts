/** The routes of contracts/assistants.ts. */
import { assistantRequestSchema, documentRequestSchema, excerptRangeSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { conversationOf, createConversation } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { parse } from '../http/errors.ts';
import { assistantOf, changeAssistant, createAssistant, deleteAssistant, listAssistants } from './assistants.ts';
import type { Documents } from './documents.ts';
import { citationsIn } from './grounding.ts';

const idSchema = z.object({ id: z.uuid('not an id') });

export function addAssistantRoutes(app: FastifyInstance, db: Db, documents: Documents): void {
  app.get('/api/assistants', access('user'), async (request) => ({
    assistants: await listAssistants(db, userOf(request).id),
  }));

  app.post('/api/assistants', access('user'), async (request, reply) => {
    const wanted = parse(assistantRequestSchema, request.body);
    return reply.code(201).send(await createAssistant(db, userOf(request).id, wanted));
  });

  app.get('/api/assistants/:id', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return assistantOf(db, userOf(request).id, id);
  });

  app.put('/api/assistants/:id', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return changeAssistant(db, userOf(request).id, id, parse(assistantRequestSchema, request.body));
  });

  app.delete('/api/assistants/:id', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await deleteAssistant(db, userOf(request).id, id);
    return reply.code(204).send();
  });

  app.post('/api/assistants/:id/conversations', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const user = userOf(request).id;
    await assistantOf(db, user, id);
    return reply.code(201).send(await createConversation(db, user, id));
  });

  app.get('/api/assistants/:id/documents', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return { documents: await documents.list(userOf(request).id, id) };
  });

  app.post('/api/assistants/:id/documents', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const wanted = parse(documentRequestSchema, request.body);
    return reply.code(201).send(await documents.add(userOf(request).id, id, wanted));
  });

  app.delete('/api/documents/:id', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await documents.remove(userOf(request).id, id);
    return reply.code(204).send();
  });

  app.get('/api/documents/:id/excerpt', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return documents.excerpt(userOf(request).id, id, parse(excerptRangeSchema, request.query));
  });

  app.get('/api/conversations/:id/citations', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    await conversationOf(db, userOf(request).id, id);
    return { citations: await citationsIn(db, id) };
  });
}
