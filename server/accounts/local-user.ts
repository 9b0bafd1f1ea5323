/**
 * Who is asking. There is one local user for now; accounts will put the signed-in user in its place, and
 * every route already takes its owner from here.
 */
import type { FastifyRequest } from 'fastify';
import type { Db } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';

/** The id of the user who makes a request. */
export type UserOf = (request: FastifyRequest) => string;

const localUserName = 'local';

/** The id of the local user, made on first use. */
export async function localUser(db: Db): Promise<string> {
  const existing = await db
    .selectFrom('users')
    .select('id')
    .where('name', '=', localUserName)
    .orderBy('id')
    .executeTakeFirst();
  if (existing) return existing.id;
  const id = uuidv7();
  await db.insertInto('users').values({ id, name: localUserName, created_at: Date.now() }).execute();
  return id;
}
