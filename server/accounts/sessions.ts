/**
 * Sessions: a random token in a cookie, its SHA-256 in a table. better-auth and its like keep the token itself; then
 * whoever reads a backup is signed in as everybody.
 */
import type { SessionEntry } from '@parley/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { addressOf } from '../http/client.ts';
import type { SignedInUser } from './access.ts';
import { hashSecret, newSecret } from './secrets.ts';

const day = 24 * 3600_000;
/** From the last use. */
const lifetime = 30 * day;
const longestLifetime = 180 * day;
/** Uses within this time are not written down again. */
const seenEvery = 5 * 60_000;

export class Sessions {
  readonly #db: Db;
  readonly #secure: boolean;

  /** @param secure people reach the server by https only */
  constructor(db: Db, secure: boolean) {
    this.#db = db;
    this.#secure = secure;
  }

  /** Signs in: always with a new token, and the one that the browser came with, if any, ends. */
  async start(request: FastifyRequest, reply: FastifyReply, userId: string): Promise<void> {
    await this.end(request);
    const token = newSecret();
    const now = Date.now();
    await this.#db
      .insertInto('sessions')
      .values({
        id: uuidv7(),
        user_id: userId,
        token_hash: hashSecret(token),
        address: addressOf(request),
        user_agent: storableText(request.headers['user-agent'] ?? '').slice(0, 300),
        created_at: now,
        last_seen_at: now,
        expires_at: now + lifetime,
      })
      .execute();
    await this.#db.deleteFrom('sessions').where('expires_at', '<', now).execute();
    this.#setCookie(reply, token, lifetime / 1000);
  }

  /** Ends the session that the request came with. */
  async end(request: FastifyRequest): Promise<void> {
    const token = this.#tokenOf(request);
    if (token) await this.#db.deleteFrom('sessions').where('token_hash', '=', hashSecret(token)).execute();
  }

  /** Lets the browser keep its cookie as long as the session lasts, which is longer with every use. */
  renewCookie(request: FastifyRequest, reply: FastifyReply): void {
    const token = this.#tokenOf(request);
    if (token) this.#setCookie(reply, token, lifetime / 1000);
  }

  clearCookie(reply: FastifyReply): void {
    this.#setCookie(reply, '', 0);
  }

  /** Who is signed in in the browser that asks; null: nobody, or somebody whose account is disabled. */
  async identify(request: FastifyRequest): Promise<(SignedInUser & { sessionId: string }) | null> {
    const token = this.#tokenOf(request);
    if (!token) return null;
    const now = Date.now();
    const row = await this.#db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .select(['sessions.id as sessionId', 'users.id', 'users.name', 'users.role'])
      .select(['sessions.last_seen_at', 'sessions.created_at'])
      .where('sessions.token_hash', '=', hashSecret(token))
      .where('sessions.expires_at', '>', now)
      .where('users.disabled_at', 'is', null)
      .executeTakeFirst();
    if (!row) return null;
    if (now - row.last_seen_at > seenEvery) {
      await this.#db
        .updateTable('sessions')
        .set({ last_seen_at: now, expires_at: Math.min(now + lifetime, row.created_at + longestLifetime) })
        .where('id', '=', row.sessionId)
        .execute();
    }
    return { id: row.id, name: row.name, role: row.role, sessionId: row.sessionId };
  }

  async list(userId: string, currentId: string | null): Promise<SessionEntry[]> {
    const rows = await this.#db
      .selectFrom('sessions')
      .selectAll()
      .where('user_id', '=', userId)
      .where('expires_at', '>', Date.now())
      .orderBy('id', 'desc')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      current: row.id === currentId,
      address: row.address,
      userAgent: row.user_agent,
      createdAt: row.created_at,
      lastSeenAt: row.last_seen_at,
    }));
  }

  /** @returns whether there was such a session of this user */
  async revoke(userId: string, id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('sessions')
      .where('user_id', '=', userId)
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  async revokeAll(userId: string, { except = null }: { except?: string | null } = {}): Promise<void> {
    await this.#db
      .deleteFrom('sessions')
      .where('user_id', '=', userId)
      .$if(except !== null, (query) => query.where('id', '!=', except!))
      .execute();
  }

  /**
   * Browsers take a __Host- cookie from this very host over https only, so that no neighbour can plant one. Without
   * https, the port keeps servers of one machine apart: cookies do not.
   */
  #cookieOf(request: FastifyRequest): string {
    return this.#secure ? '__Host-parley' : `parley-${request.socket.localPort}`;
  }

  #tokenOf(request: FastifyRequest): string | null {
    const cookie = this.#cookieOf(request);
    for (const pair of request.headers.cookie?.split(';') ?? []) {
      const [name, value] = pair.trim().split('=', 2);
      if (name === cookie && value) return value;
    }
    return null;
  }

  #setCookie(reply: FastifyReply, value: string, maxAgeSeconds: number): void {
    const attributes = `Path=/; HttpOnly; SameSite=Lax${this.#secure ? '; Secure' : ''}; Max-Age=${maxAgeSeconds}`;
    reply.header('set-cookie', `${this.#cookieOf(reply.request)}=${value}; ${attributes}`);
  }
}
