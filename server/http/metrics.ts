/**
 * Prometheus metrics: what the server does and how long people wait. One registry per server.
 *
 * Every label has few values, whatever clients send: routes are patterns, files of the page count as one, and an
 * address or method that there is not is 'none' or 'other'.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Access, access, type SignedInUser } from '../accounts/access.ts';
import { isLocalClient } from './client.ts';
import { HttpError } from './errors.ts';
import { routeOf } from './route-name.ts';

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    activeSlots: new Gauge({
      name: 'parley_active_slots',
      help: 'Answers that the model is writing now',
      registers,
    }),
    slots: new Gauge({ name: 'parley_slots', help: 'Answers that the model can write at once', registers }),
    queuedRequests: new Gauge({
      name: 'parley_queued_requests',
      help: 'Answers that wait for a free slot',
      registers,
    }),
    modelReady: new Gauge({ name: 'parley_model_ready', help: '1 when the model is loaded', registers }),
    tokensGenerated: new Counter({ name: 'parley_tokens_generated_total', help: 'Tokens drawn', registers }),
    promptTokens: new Counter({ name: 'parley_prompt_tokens_total', help: 'Prompt tokens taken', registers }),
    answers: new Counter({
      name: 'parley_answers_total',
      help: 'Answers ended, by how',
      labelNames: ['outcome'] as const,
      registers,
    }),
    workerRestarts: new Counter({
      name: 'parley_worker_restarts_total',
      help: 'Times the inference worker was started again after it died',
      registers,
    }),
    timeToFirstToken: new Histogram({
      name: 'parley_time_to_first_token_seconds',
      help: 'From the request to the first text of its answer',
      buckets: secondsBuckets,
      registers,
    }),
    requests: new Counter({
      name: 'parley_http_requests_total',
      help: 'HTTP requests answered',
      labelNames: ['method', 'route', 'status'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'parley_http_request_duration_seconds',
      help: 'HTTP requests, streams until their last byte',
      labelNames: ['method', 'route'] as const,
      buckets: secondsBuckets,
      registers,
    }),
    openRequests: new Gauge({
      name: 'parley_http_open_requests',
      help: 'HTTP requests that are being answered, open streams among them',
      registers,
    }),
  };
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Counts every request, and shows the figures at `/metrics`: to programs on this machine, and to administrators, whose
 * API key a collector elsewhere can use.
 * @param identify finds who asks; throws HttpError 401
 */
export function addMetrics(
  app: FastifyInstance,
  metrics: Metrics,
  identify: (request: FastifyRequest, access: Access) => Promise<SignedInUser | null>,
): void {
  app.addHook('onRequest', async (_request, reply) => {
    metrics.openRequests.inc();
    // Also where the client hangs up, which is no response.
    reply.raw.once('close', () => metrics.openRequests.dec());
  });
  app.addHook('onResponse', async (request, reply) => {
    const method = methods.includes(request.method) ? request.method : 'other';
    const route = routeOf(request, reply);
    metrics.requests.inc({ method, route, status: reply.raw.statusCode });
    metrics.requestSeconds.observe({ method, route }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', access('public'), async (request, reply) => {
    if (!isLocalClient(request)) {
      const user = await identify(request, 'api');
      if (user?.role !== 'administrator') {
        throw new HttpError(403, 'role_missing', 'Metrics are for administrators and their API keys.');
      }
    }
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}
