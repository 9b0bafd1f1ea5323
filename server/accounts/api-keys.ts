/** API keys: shown once, kept as SHA-256, limited to scopes, with an end, and revocable. */
import type { ApiKey, ApiScope, NewApiKey, NewApiKeyRequest } from '@parley/contracts';
import type { FastifyRequest } from 'fastify';
import type { Selectable } from 'kysely';
import type { AccountTables } from '../db/account-tables.ts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import type { SignedInUser } from './access.ts';
import { hashSecret, newSecret } from './secrets.ts';

/** Tells our keys from whatever else clients send where a key is asked for. */
const prefix = 'parley-';
const day = 24 * 3600_000;
/** Uses within this time are not written down again. */
const seenEvery = 60_000;
const mostKeys = 50;

/** @throws HttpError 409 for somebody who has fifty already */
export async function createApiKey(db: Db, userId: string, asked: Required<NewApiKeyRequest>): Promise<NewApiKey> {
  if ((await listApiKeys(db, userId)).length >= mostKeys) {
    throw new HttpError(409, 'too_many_keys', `You have ${mostKeys} keys. Revoke one that you no longer use.`);
  }
  const secret = prefix + newSecret();
  const now = Date.now();
  const row = await db
    .insertInto('api_keys')
    .values({
      id: uuidv7(),
      user_id: userId,
      name: storableText(asked.name),
      key_hash: hashSecret(secret),
      ending: secret.slice(-4),
      scopes: JSON.stringify([...new Set(asked.scopes)]),
      created_at: now,
      expires_at: asked.expiresInDays === null ? null : now + asked.expiresInDays * day,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { key: toApiKey(row), secret };
}

/** Those that still work or have expired, newest first; revoked ones are gone from sight. */
export async function listApiKeys(db: Db, userId: string): Promise<ApiKey[]> {
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .orderBy('id', 'desc')
    .execute();
  return rows.map(toApiKey);
}

/** @throws HttpError 404 */
export async function revokeApiKey(db: Db, userId: string, id: string): Promise<ApiKey> {
  const row = await db
    .updateTable('api_keys')
    .set({ revoked_at: Date.now() })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new HttpError(404, 'key_not_found', `There is no API key ${id}.`);
  return toApiKey(row);
}

/** What a program presents, in either of the headers that clients use; null: nothing. */
export function presentedKey(request: FastifyRequest): string | null {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer ?? request.headers['x-api-key']?.toString() ?? null;
}

/** Whether it claims to be one of our keys; clients that need none often send some word. */
export function looksLikeApiKey(presented: string): boolean {
  return presented.startsWith(prefix);
}

/**
 * Whose key it is.
 * @throws HttpError 401 for one that is unknown, revoked or expired, or whose owner is disabled; 403 for a missing scope
 */
export async function identifyByKey(db: Db, presented: string, scope: ApiScope | null): Promise<SignedInUser> {
  const now = Date.now();
  const row = await db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.user_id')
    .select(['users.id', 'users.name', 'users.role', 'api_keys.id as key_id'])
    .select(['api_keys.scopes', 'api_keys.last_used_at'])
    .where('key_hash', '=', hashSecret(presented))
    .where('revoked_at', 'is', null)
    .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .where('users.disabled_at', 'is', null)
    .executeTakeFirst();
  if (!row) {
    throw new HttpError(
      401,
      'invalid_api_key',
      'This API key is wrong, expired or revoked. Make one on your account page.',
    );
  }
  if (scope !== null && !JSON.parse(row.scopes).includes(scope)) {
    throw new HttpError(403, 'scope_missing', `This API key does not have the scope '${scope}'.`);
  }
  if (now - (row.last_used_at ?? 0) > seenEvery) {
    await db.updateTable('api_keys').set({ last_used_at: now }).where('id', '=', row.key_id).execute();
  }
  return { id: row.id, name: row.name, role: row.role };
}

function toApiKey(row: Selectable<AccountTables['api_keys']>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    ending: row.ending,
    scopes: JSON.parse(row.scopes),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
