import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * What a request was for, as one of a few names: a route's pattern instead of its address, 'page' for the page and
 * 'page file' for its files, which have new names with every build, and 'none' for what there is not.
 */
export function routeOf({ is404, routeOptions: { url = 'none' } }: FastifyRequest, reply: FastifyReply): string {
  if (is404) return reply.raw.statusCode === 200 ? 'page' : 'none';
  return /\.\w+$/.test(url) ? 'page file' : url;
}
