/** The one user of an installation without accounts. */
import type { Db } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';

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
