/** The routes of contracts/library.ts. */
import {
  type ConversationExport,
  conversationExportSchema,
  searchQuerySchema,
  shareRequestSchema,
} from '@parley/contracts';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import type { Db } from '../db/database.ts';
import { parse } from '../http/errors.ts';
import type { Answers } from './answers.ts';
import { conversationOf } from './conversations.ts';
import { openMessageSearch } from './search.ts';
import { revokeShare, share, sharedBy, sharesOf } from './shares.ts';
import { exportConversations, importConversations } from './transfer.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const tokenSchema = z.object({ token: z.string().max(100) });
const importLimitBytes = 32_000_000;

export async function addLibraryRoutes(app: FastifyInstance, db: Db, answers: Answers): Promise<void> {
  const search = await openMessageSearch(db);

  app.get('/api/search', access('user'), async (request) => ({
    results: await search.find(userOf(request).id, parse(searchQuerySchema, request.query).q),
  }));

  app.get('/api/conversations/:id/shares', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return { shares: await sharesOf(db, userOf(request).id, id) };
  });

  app.post('/api/conversations/:id/shares', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const { leafId } = parse(shareRequestSchema, request.body);
    return reply.code(201).send(await share(db, userOf(request).id, id, leafId));
  });

  app.delete('/api/shares/:id', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await revokeShare(db, userOf(request).id, id);
    return reply.code(204).send();
  });

  app.get('/api/shared/:token', access('public'), async (request, reply) => {
    // A link is for those who were given it, not for search engines.
    reply.header('x-robots-tag', 'noindex');
    return sharedBy(db, parse(tokenSchema, request.params).token);
  });

  app.get('/api/conversations/:id/export', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const owner = userOf(request).id;
    const conversation = await conversationOf(db, owner, id);
    return sendFile(reply, await exportConversations(db, answers, owner, [conversation]));
  });

  app.get('/api/export', access('user'), async (request, reply) =>
    sendFile(reply, await exportConversations(db, answers, userOf(request).id)),
  );

  app.post('/api/import', { ...access('user'), bodyLimit: importLimitBytes }, async (request, reply) => {
    const file = parse(conversationExportSchema, request.body);
    return reply.code(201).send({ conversations: await importConversations(db, userOf(request).id, file) });
  });
}

function sendFile(reply: FastifyReply, file: ConversationExport): FastifyReply {
  const day = new Date(file.exportedAt).toISOString().slice(0, 10);
  return reply.header('content-disposition', `attachment; filename="parley-${day}.json"`).send(file);
}
