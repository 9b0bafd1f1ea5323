/** The routes of contracts/accounts.ts. */
import type { Session } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import type { Db } from '../db/database.ts';
import { access } from './access.ts';

export function addAccountRoutes(app: FastifyInstance, db: Db): void {
  app.get('/api/session', access('public'), async ({ user }): Promise<Session> => {
    if (user === null) return { user: null };
    const { id, name } = await db
      .selectFrom('users')
      .select(['id', 'name'])
      .where('id', '=', user.id)
      .executeTakeFirstOrThrow();
    return { user: { id, name, role: user.role } };
  });
}
