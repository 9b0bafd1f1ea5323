/** Prometheus metrics: what the server does and how long people wait. One registry per server. */
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { access } from '../accounts/access.ts';

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
    requestSeconds: new Histogram({
      name: 'parley_http_request_duration_seconds',
      help: 'HTTP requests, streams until their last byte',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: secondsBuckets,
      registers,
    }),
  };
}

export function addMetrics(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    metrics.requestSeconds.observe(
      { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.raw.statusCode },
      reply.elapsedTime / 1000,
    );
  });
  app.get('/metrics', access('public'), async (_request, reply) => {
    reply.type(metrics.registry.contentType);
    return metrics.registry.metrics();
  });
}
