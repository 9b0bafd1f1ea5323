/**
 * Who may use which route. Every route declares it, `app.get('/api/x', access('trainer'), …)`, one hook checks it
 * before anything of the request is read, and a server with a route that declares nothing does not start.
 *
 * What belongs to one person is asked for together with its owner, in the query: see chat/conversations.ts.
 */
import { type AccountRole, type ApiScope, roleAllows } from '@parley/contracts';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { HttpError } from '../http/errors.ts';

/**
 * 'public': anybody; a role: people who are signed in and have it or a higher one; 'api': programs with any API key,
 * 'api:chat' with one of that scope (programs on this machine may need none: see identity.ts).
 */
export type Access = 'public' | ForPrograms | AccountRole;
type ForPrograms = 'api' | `api:${ApiScope}`;

export interface SignedInUser {
  id: string;
  name: string;
  role: AccountRole;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; null if nobody is signed in, on public routes and on those for programs. */
    user: SignedInUser | null;
    /** The session by which they are signed in; null for programs. */
    sessionId: string | null;
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

export function isForPrograms(access: Access): access is ForPrograms {
  return access === 'api' || access.startsWith('api:');
}

/** The scope that an API key needs for a route, if any. */
export function apiScopeOf(access: Access): ApiScope | null {
  return access.startsWith('api:') ? (access.slice('api:'.length) as ApiScope) : null;
}

/** Who asks, on a route for people. */
export function userOf(request: FastifyRequest): SignedInUser {
  const { user, routeOptions } = request;
  if (user === null) throw new Error(`${routeOptions.url} is open to people who are not signed in, and asks who is.`);
  return user;
}

/**
 * Checks every route from here on.
 * @param identify finds who asks; null: nobody that is known. It judges API keys itself.
 * @returns the table of all routes, complete once the app is ready
 */
export function addAccess(
  app: FastifyInstance,
  identify: (request: FastifyRequest, access: Access) => Promise<SignedInUser | null>,
): () => DeclaredRoute[] {
  const seen: RouteOptions[] = [];
  app.decorateRequest('user', null);
  app.decorateRequest('sessionId', null);
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
    // The page's own files are for everybody.
    if (needed === 'public' && !request.url.startsWith('/api/')) return;
    request.user = await identify(request, needed);
    if (needed !== 'public' && !isForPrograms(needed)) requireRole(request, needed);
  });
  return routes;
}

function requireRole({ user }: FastifyRequest, needed: AccountRole): void {
  if (user === null) throw new HttpError(401, 'not_signed_in', 'Sign in first.');
  if (roleAllows(user.role, needed)) return;
  throw new HttpError(403, 'role_missing', `This needs the role '${needed}'; yours is '${user.role}'.`);
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
