/**
 * Who may use which route. Every route declares it, `app.get('/api/x', access('trainer'), …)`, one hook checks it
 * before anything of the request is read, and a server with a route that declares nothing does not start.
 *
 * What belongs to one person is asked for together with its owner, in the query: see chat/conversations.ts.
 */
import { type AccountRole, roleAllows } from '@parley/contracts';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { HttpError } from '../http/errors.ts';

/** 'public': anybody; 'api': programs, by API key; a role: people who are signed in and have it or a higher one. */
export type Access = 'public' | 'api' | AccountRole;

export interface SignedInUser {
  id: string;
  role: AccountRole;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; null on public routes if nobody is signed in. */
    user: SignedInUser | null;
  }
}

export interface DeclaredRoute {
  method: string;
  url: string;
  access: Access;
}

/** The options of a route that is open to `access`. */
export function access<Level extends Access>(level: Level): { config: { access: Level } } {
  return { config: { access: level } };
}

/** Who asks, on a route that is not public. */
export function userOf(request: FastifyRequest): SignedInUser {
  if (request.user === null) throw new Error(`${request.routeOptions.url} is public but asks for the signed-in user.`);
  return request.user;
}

/**
 * Checks every route from here on.
 * @param identify finds who asks; null: nobody that is known
 * @returns the table of all routes, complete once the app is ready
 */
export function addAccess(
  app: FastifyInstance,
  identify: (request: FastifyRequest, access: Access) => Promise<SignedInUser | null>,
): () => DeclaredRoute[] {
  const seen: RouteOptions[] = [];
  app.decorateRequest('user', null);
  // Not judged at once: hooks of an inner scope, such as the page's, run after this one.
  app.addHook('onRoute', (route) => {
    seen.push(route);
  });
  const routes = () => seen.flatMap(declared);
  app.addHook('onReady', async () => void routes());

  app.addHook('onRequest', async (request) => {
    if (request.is404) return;
    const needed = request.routeOptions.config.access;
    if (needed === undefined) throw new Error(`${request.routeOptions.url} does not declare who may use it.`);
    request.user = await identify(request, needed);
    if (needed === 'public' || needed === 'api') return;
    if (request.user === null) throw new HttpError(401, 'not_signed_in', 'Sign in first.');
    if (!roleAllows(request.user.role, needed)) {
      throw new HttpError(403, 'role_missing', `This needs the role '${needed}'; yours is '${request.user.role}'.`);
    }
  });
  return routes;
}

function declared({ method, url, config }: RouteOptions): DeclaredRoute[] {
  const methods = [method].flat();
  const level = config?.access;
  if (level === undefined) {
    throw new Error(
      `Route ${methods.join()} ${url} does not declare who may use it. Pass access('public'), access('user') or another as its options.`,
    );
  }
  return methods.map((name) => ({ method: name, url, access: level }));
}
