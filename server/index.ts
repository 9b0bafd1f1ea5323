/**
 * Parley's server: OpenAI's API under /v1, the chat product's own under /api, the web page, health and metrics.
 * This file puts the parts together and takes them apart again in the right order.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { GeneratorOptions } from '@parley/lm/generate';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { access, addAccess } from './accounts/access.ts';
import { localUser } from './accounts/local-user.ts';
import { addAccountRoutes } from './accounts/routes.ts';
import { Answers, recover } from './chat/answers.ts';
import { addLibraryRoutes } from './chat/library-routes.ts';
import { addChatRoutes } from './chat/routes.ts';
import { addStatusRoute } from './chat/status.ts';
import { openDatabase } from './db/database.ts';
import { Drafts } from './feedback/drafts.ts';
import { addFeedbackRoutes } from './feedback/routes.ts';
import { toHttpError } from './http/errors.ts';
import { closeListener, listen, requireFreePort, urlOf } from './http/listen.ts';
import { addMetrics, createMetrics } from './http/metrics.ts';
import { addPage } from './http/page.ts';
import { addSecurity } from './http/security.ts';
import { Inference } from './inference/inference.ts';
import { openaiErrorBody } from './openai/errors.ts';
import { addOpenaiRoutes } from './openai/routes.ts';

export interface ServerOptions {
  /** 0 takes any free one. */
  port: number;
  /** The address to listen on; only this machine reaches the default. */
  host?: string;
  /** A model folder, as lm/checkpoint reads it. */
  modelFolder: string;
  /** Where the database lies; made if it is missing. */
  home: string;
  /** The built web page. */
  webFolder?: string;
  /** Names beside localhost and the machine's own under which browsers may reach the server. */
  allowedHosts?: string[];
  /** One answer in so many comes as two drafts to choose between; 0, the default: none. */
  draftsEvery?: number;
  /** Answers written at once; more wait. */
  slots?: number;
  /** How weights, and keys and values, are stored: see GeneratorOptions. */
  weights?: GeneratorOptions['weights'];
  cache?: GeneratorOptions['cache'];
  /** How long closing waits for running answers before it marks them interrupted. */
  drainMilliseconds?: number;
  /** A pino logger; absent: none. */
  logger?: FastifyBaseLogger;
}

export interface RunningServer {
  url: string;
  /** Stops taking requests, lets answers end or marks them interrupted, and closes everything. */
  close(): Promise<void>;
}

const bodyLimitBytes = 1_000_000;

/**
 * Starts listening, loads the model and resolves when both are done.
 * @throws Error in one line: the port is taken, the model cannot be loaded, the home is in use or unreadable
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { port, host = '127.0.0.1', modelFolder, home, slots = 8, weights, cache, drainMilliseconds = 5_000 } = options;
  await requireFreePort(port, host);
  const database = openDatabase(home);
  const app = createApp(options.logger);
  const metrics = createMetrics();
  const inference = new Inference({ modelFolder, slots, weights, cache, log: app.log, metrics });
  const answers = new Answers(database.db, app.log);

  const stop = async () => {
    await inference.drain(drainMilliseconds);
    await inference.close();
    await answers.close();
    await closeListener(app);
    await database.close();
  };

  try {
    if (database.migration.applied.length > 0) app.log.info(database.migration, 'the database was migrated');
    const interrupted = await recover(database.db);
    if (interrupted > 0) app.log.warn({ interrupted }, 'answers were cut off when the server last ended');
    const user = await localUser(database.db);

    addSecurity(app, options.allowedHosts ?? []);
    addAccess(app, async () => ({ id: user, role: 'administrator' }));
    addMetrics(app, metrics);
    app.get('/healthz', access('public'), async (_request, reply) => {
      const { ready } = inference;
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'model is loading' });
    });
    app.register(async (v1) => addOpenaiRoutes(v1, inference), { prefix: '/v1' });
    addAccountRoutes(app, database.db);
    addStatusRoute(app, inference);
    const turns = { db: database.db, inference, answers };
    addChatRoutes(app, turns, new Drafts(turns, options.draftsEvery ?? 0, app.log));
    await addLibraryRoutes(app, database.db);
    addFeedbackRoutes(app, database.db);
    await addPage(app, options.webFolder ?? join(import.meta.dirname, '../web/dist'));

    await listen(app, port, host);
    await inference.start();
  } catch (error) {
    await stop();
    throw error;
  }

  let closing: Promise<void> | null = null;
  return {
    url: urlOf(app, host),
    close() {
      closing ??= stop();
      return closing;
    },
  };
}

function createApp(logger: FastifyBaseLogger | undefined): FastifyInstance {
  const app = Fastify({
    ...(logger && { loggerInstance: logger }),
    bodyLimit: bodyLimitBytes,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    routerOptions: { ignoreTrailingSlash: true },
    // Idle keep-alive connections must not hold up closing.
    forceCloseConnections: 'idle',
  });
  acceptJsonOnly(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.setErrorHandler(replyWithError);
  return app;
}

/** A form or plain text can be sent from any page without asking; JSON cannot. An empty body is no body. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parseJson(request, body as string, done);
  });
}

function replyWithError(cause: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toHttpError(cause, request);
  if (error.retryAfterSeconds !== null) reply.header('retry-after', error.retryAfterSeconds);
  reply.code(error.statusCode);
  if (request.url.startsWith('/v1')) return reply.send(openaiErrorBody(error));
  return reply.send({ error: { message: error.message, code: error.code } });
}
