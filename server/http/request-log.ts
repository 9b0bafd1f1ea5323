/**
 * One line per request, as JSON, with the id that its client got as x-request-id. It holds what an operator needs and
 * nothing that people wrote: the route's pattern instead of its address (a search has its words there), no headers
 * (keys and cookies), no bodies.
 */
import type { FastifyInstance } from 'fastify';
import { routeOf } from './route-name.ts';

/** Asked every few seconds by programs; what they find is their news, not the log's. */
const watchers = /^\/(healthz|metrics)/;

export function addRequestLog(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    const { statusCode } = reply.raw;
    const line = {
      method: request.method,
      route: routeOf(request, reply),
      status: statusCode,
      milliseconds: Math.round(reply.elapsedTime),
      ...(request.user && { user: request.user.id }),
      // The client hung up before it had everything.
      ...(!reply.raw.writableFinished && { aborted: true }),
    };
    if (watchers.test(line.route)) request.log.debug(line, 'request');
    else if (statusCode >= 500) request.log.warn(line, 'request');
    else request.log.info(line, 'request');
  });
}
