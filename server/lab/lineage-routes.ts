/** The routes of contracts/lineage.ts. */
import { type Lineage, type LineageItem, type ModelOrigin, roleAllows } from '@parley/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import type { Lab } from './lab.ts';
import { lineageOf, originOf } from './lineage.ts';
import { itemOf, itemsOf } from './lineage-items.ts';
import { indexSnapshots } from './snapshots.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const modelSchema = z.object({ id: z.string().min(1) });

export function addLineageRoutes(app: FastifyInstance, lab: Lab): void {
  const { db, folders } = lab;

  app.get('/api/lineage', access('user'), async (request): Promise<{ items: LineageItem[] }> => {
    await indexSnapshots(db, folders);
    const own = await itemsOf(db, { author: userOf(request).id });
    return { items: own.map(({ item }) => item) };
  });

  app.get('/api/lineage/items/:id', access('user'), async (request): Promise<Lineage> => {
    return lineageFor(request, parse(idSchema, request.params).id);
  });

  app.get('/api/lineage/messages/:id', access('user'), async (request): Promise<Lineage> => {
    const { id } = parse(idSchema, request.params);
    const thumb = await db
      .selectFrom('feedback')
      .select('id')
      .where('message_id', '=', id)
      .where('user_id', '=', userOf(request).id)
      .executeTakeFirst();
    if (!thumb) throw new HttpError(404, 'item_not_found', `You have given no thumb on message ${id}.`);
    return lineageFor(request, thumb.id);
  });

  app.get('/api/lineage/models/:id', access('administrator'), async (request): Promise<ModelOrigin> => {
    return originOf(lab, parse(modelSchema, request.params).id);
  });

  async function lineageFor(request: FastifyRequest, id: string): Promise<Lineage> {
    await indexSnapshots(db, folders);
    const user = userOf(request);
    return lineageOf(lab, await itemOf(db, id, roleAllows(user.role, 'administrator') ? null : user.id));
  }
}
