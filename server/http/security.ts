/**
 * What keeps other web pages away from a server that listens on this machine.
 *
 * - DNS rebinding: a hostile page's own name can be made to resolve to 127.0.0.1, and its scripts are then
 *   same-origin with us. Such requests carry that name in Host, so only names that are ours are answered.
 *   An IP address cannot be rebound, so addresses are always ours.
 * - Cross-site request forgery: changes under /api need JSON (which a form cannot send) from our own origin
 *   (Origin and Sec-Fetch-Site, which scripts cannot set). There is no CORS under /api at all.
 * - CORS under /v1 is for pages that run on this machine; a key in a page of elsewhere would not stay secret.
 * - The page itself gets a content security policy without inline scripts or styles.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { access } from '../accounts/access.ts';
import { HttpError } from './errors.ts';

/** @param framedBy origins whose pages may show the page in a frame */
export function contentSecurityPolicy(framedBy: readonly string[] = []): string {
  return [...ownContentOnly, `frame-ancestors ${framedBy.join(' ') || "'none'"}`].join('; ');
}

const ownContentOnly = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
];

const securityHeaders: Record<string, string> = {
  'content-security-policy': contentSecurityPolicy(),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** @param allowedHosts further names under which this server is reached, without port */
export function addSecurity(app: FastifyInstance, allowedHosts: readonly string[]): void {
  const ours = new Set(['localhost', hostname(), ...allowedHosts].map((name) => name.toLowerCase()));

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const path = request.url.split('?', 1)[0]!;
    if (path !== '/healthz' && path !== '/metrics') checkHost(request, ours);
    if (path.startsWith('/api/')) {
      reply.header('cross-origin-resource-policy', 'same-origin');
      reply.header('cache-control', 'no-store');
      checkSameOrigin(request);
    }
  });
}

function checkHost(request: FastifyRequest, ours: ReadonlySet<string>): void {
  const name = request.hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (isIP(name) || ours.has(name) || name.endsWith('.localhost')) return;
  throw new HttpError(
    403,
    'host_not_allowed',
    `This server does not answer to the name '${name}'. Use localhost or its address, or allow the name when starting it.`,
  );
}

/** Whether the request comes from our own page, or from no page at all. */
export function isSameOrigin(request: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  // What the browser says of itself also holds behind a proxy that changes Host, such as a development server.
  return site === undefined
    ? origin === undefined || hostOf(origin) === request.host.toLowerCase()
    : site === 'same-origin' || site === 'none';
}

function checkSameOrigin(request: FastifyRequest): void {
  if (!isSameOrigin(request)) {
    throw new HttpError(403, 'cross_origin', 'Other web sites may not use this part of the server.');
  }
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

/** CORS for `/v1`: answers pages that this machine itself serves, whatever their port. */
export function addLocalCors(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin !== undefined && isLocal(origin)) allow(request, reply, origin);
  });
  app.options('/*', access('public'), async (_request, reply) => reply.code(204).send());
}

function allow(request: FastifyRequest, reply: FastifyReply, origin: string): void {
  reply.header('access-control-allow-origin', origin);
  reply.header('access-control-expose-headers', 'x-request-id, retry-after');
  if (request.method !== 'OPTIONS') return;
  reply.header('access-control-allow-methods', 'GET, POST');
  reply.header('access-control-allow-headers', request.headers['access-control-request-headers'] ?? 'content-type');
  reply.header('access-control-max-age', '600');
}

function isLocal(origin: string): boolean {
  const host = hostOf(origin)?.replace(/:\d+$/, '');
  return host === 'localhost' || host?.endsWith('.localhost') || host === '127.0.0.1' || host === '[::1]';
}
