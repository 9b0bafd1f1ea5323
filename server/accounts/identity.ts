/** Who asks: a person by session cookie, a program by API key, or a program on this very machine by neither. */
import type { FastifyRequest } from 'fastify';
import type { Db } from '../db/database.ts';
import { addressOf, isLocalClient } from '../http/client.ts';
import { HttpError } from '../http/errors.ts';
import { isSameOrigin } from '../http/security.ts';
import { type Access, apiScopeOf, isForPrograms, type SignedInUser } from './access.ts';
import { identifyByKey, looksLikeApiKey, presentedKey } from './api-keys.ts';
import { RateLimit } from './rate-limit.ts';
import type { Sessions } from './sessions.ts';
import type { SettingsStore } from './settings.ts';

export interface IdentityOptions {
  db: Db;
  sessions: Sessions;
  settings: SettingsStore;
  /** The server listens to this machine only. */
  loopback: boolean;
}

export class Identity {
  readonly #options: IdentityOptions;
  readonly #requests = new RateLimit(60_000);

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * @returns null for nobody that is known, which `/v1` allows to programs on this machine
   * @throws HttpError 401 for a missing or wrong API key, 403 for one without the scope, 429 for too many requests
   */
  async identify(request: FastifyRequest, access: Access): Promise<SignedInUser | null> {
    const user = isForPrograms(access) ? await this.#program(request, access) : await this.#person(request);
    // The page and its files are cheap and come in dozens; nobody needs to be known for them.
    if (access !== 'public' && !isLocalClient(request)) {
      this.#requests.take(user?.id ?? addressOf(request), this.#options.settings.current.requestsPerMinute);
    }
    return user;
  }

  async #person(request: FastifyRequest): Promise<SignedInUser | null> {
    const session = await this.#options.sessions.identify(request);
    request.sessionId = session?.sessionId ?? null;
    return session && { id: session.id, name: session.name, role: session.role };
  }

  async #program(request: FastifyRequest, access: Access): Promise<SignedInUser | null> {
    const { db, settings, loopback } = this.#options;
    const presented = presentedKey(request);
    if (presented !== null && looksLikeApiKey(presented)) {
      return identifyByKey(db, presented, apiScopeOf(access));
    }
    // Our own page may call the API for the person who is signed in there.
    const person = isSameOrigin(request) ? await this.#person(request) : null;
    if (person) return person;
    if (loopback && settings.current.openLocalApi && isLocalClient(request)) return null;
    if (presented === null) {
      throw new HttpError(
        401,
        'missing_api_key',
        'Send an API key as "Authorization: Bearer parley-…". Make one on your account page.',
      );
    }
    throw new HttpError(
      401,
      'invalid_api_key',
      'This API key is not one of this server. Make one on your account page.',
    );
  }
}
