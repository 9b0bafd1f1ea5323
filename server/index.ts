/**
 * Parley's server: OpenAI's API under /v1, the chat product's own under /api, the web page, health and metrics.
 * This file puts the parts together and takes them apart again in the right order.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { GeneratorOptions } from '@parley/lm/generate';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { addAccess, type DeclaredRoute } from './accounts/access.ts';
import { Identity } from './accounts/identity.ts';
import { type MailOptions, mailer } from './accounts/mail.ts';
import { addAccountRoutes } from './accounts/routes.ts';
import { Sessions } from './accounts/sessions.ts';
import { SettingsStore } from './accounts/settings.ts';
import { TokenUsage } from './accounts/usage.ts';
import { Documents } from './assistants/documents.ts';
import { addAssistantRoutes } from './assistants/routes.ts';
import { addWidgetRoutes } from './assistants/widget-routes.ts';
import { Answers, recover } from './chat/answers.ts';
import { listConversations } from './chat/conversations.ts';
import { addLibraryRoutes } from './chat/library-routes.ts';
import { addChatRoutes } from './chat/routes.ts';
import { addStatusRoute } from './chat/status.ts';
import { openDatabase } from './db/database.ts';
import { Drafts } from './feedback/drafts.ts';
import { addFeedbackRoutes } from './feedback/routes.ts';
import { Files } from './files/files.ts';
import { addFileRoutes } from './files/routes.ts';
import { isLoopback } from './http/client.ts';
import { toHttpError } from './http/errors.ts';
import { addHealth } from './http/health.ts';
import { closeListener, listen, requireFreePort, urlOf } from './http/listen.ts';
import { addMetrics, createMetrics } from './http/metrics.ts';
import { addPage } from './http/page.ts';
import { addRequestLog } from './http/request-log.ts';
import { addSecurity } from './http/security.ts';
import { ModelPool } from './inference/pool.ts';
import { startFirstModel } from './lab/first-model.ts';
import { Lab } from './lab/lab.ts';
import { ModelRegistry } from './lab/registry.ts';
import { addLabRoutes } from './lab/routes.ts';
import { openaiErrorBody } from './openai/errors.ts';
import { addOpenaiRoutes } from './openai/routes.ts';
import { SafetyGuard } from './safety/guard.ts';
import { addSafetyRoutes } from './safety/routes.ts';
import { AnswerWriter } from './workbench/answer-writer.ts';
import { addWorkbenchRoutes } from './workbench/routes.ts';

export interface ServerOptions {
  /** 0 takes any free one. */
  port: number;
  /** The address to listen on; only this machine reaches the default. */
  host?: string;
  /** A model folder, as lm/checkpoint reads it: deployed if it is new here, see lab/first-model.ts. */
  modelFolder: string;
  /** Where the database lies; made if it is missing. */
  home: string;
  /** `postgresql://…`; absent or empty: SQLite in `home`. */
  databaseUrl?: string;
  /** The built web page. */
  webFolder?: string;
  /** Where people reach the server if a proxy stands before it: `https://chat.example.org`. */
  publicUrl?: string;
  /** Without it, the administrator hands out links for new passwords. */
  mail?: MailOptions;
  /** The command line's entry: the Lab's jobs are its commands. */
  cli?: string;
  /** Names beside localhost and the machine's own under which browsers may reach the server. */
  allowedHosts?: string[];
  /** One answer in so many comes as two drafts to choose between (0, the default: none), until administrators set it. */
  draftsEvery?: number;
  /** Models that stay loaded when nobody is being answered by them, the deployed one included. */
  idleModels?: number;
  /** Answers that a model writes at once; more wait. */
  slots?: number;
  /** How weights, and keys and values, are stored: see GeneratorOptions. */
  weights?: GeneratorOptions['weights'];
  cache?: GeneratorOptions['cache'];
  /** What runs in place of the inference worker; only tests have another. */
  workerProgram?: string;
  /** How long closing waits for running answers before it marks them interrupted. */
  drainMilliseconds?: number;
  /** A pino logger; absent: none. */
  logger?: FastifyBaseLogger;
}

export interface RunningServer {
  url: string;
  /** Every route and who may use it. */
  routes: readonly DeclaredRoute[];
  /** Stops taking requests, lets answers end or marks them interrupted, and closes everything. */
  close(): Promise<void>;
}

const bodyLimitBytes = 1_000_000;

/**
 * Starts listening, loads the model and resolves when both are done.
 * @throws Error in one line: the port is taken, the model cannot be loaded, the home is in use or unreadable
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { port, host = '127.0.0.1', modelFolder, home, drainMilliseconds = 5_000 } = options;
  await requireFreePort(port, host);
  const database = await openDatabase(home, options.databaseUrl);
  const app = createApp(options.logger);
  const metrics = createMetrics();
  const { db } = database;
  const registry = new ModelRegistry(db);
  const { slots = 8, idleModels = 3, weights, cache } = options;
  const pool = new ModelPool({
    ...{ slots, weights, cache, metrics, log: app.log, idleWorkers: idleModels, workerProgram: options.workerProgram },
    folderOf: async (id) => (await registry.getChat(id)).folder,
  });
  const cli = options.cli ?? join(import.meta.dirname, '../cli/bin.mjs');
  const lab = new Lab({ db, registry, pool, home, databaseUrl: options.databaseUrl, cli, log: app.log });
  const answers = new Answers(database, app.log);
  const documents = new Documents(db, app.log);
  const writer = new AnswerWriter(db, pool, app.log);
  const files = new Files(db, home, app.log);

  let stopping = false;
  const stop = async () => {
    stopping = true;
    await writer.close();
    await Promise.all([pool.drain(drainMilliseconds), lab.close(drainMilliseconds)]);
    await pool.close();
    await lab.comparisons.close();
    await answers.close();
    await documents.close();
    await files.close();
    await closeListener(app);
    await database.close();
  };

  let routes: () => DeclaredRoute[];
  try {
    if (database.migration.applied.length > 0) app.log.info(database.migration, 'the database was migrated');
    const interrupted = await recover(database.db);
    if (interrupted > 0) app.log.warn({ interrupted }, 'answers were cut off when the server last ended');

    await documents.recover();
    await files.recover();
    const settings = await SettingsStore.open(db, { draftsEvery: options.draftsEvery });
    const guard = await SafetyGuard.open(db, app.log);
    const usage = new TokenUsage(db, settings);
    const sessions = new Sessions(db, options.publicUrl?.startsWith('https:') ?? false);
    const identity = new Identity({ db, sessions, settings, loopback: isLoopback(host) });

    addSecurity(app, [
      ...(options.allowedHosts ?? []),
      ...(options.publicUrl ? [new URL(options.publicUrl).hostname] : []),
    ]);
    routes = addAccess(app, (request, level) => identity.identify(request, level));
    addMetrics(app, metrics, (request, level) => identity.identify(request, level));
    addHealth(app, { db, modelReady: () => pool.ready, stopping: () => stopping });
    app.register(async (v1) => addOpenaiRoutes(v1, { pool, registry, usage }), { prefix: '/v1' });
    addAccountRoutes(app, {
      ...{ db, sessions, settings, usage },
      sendMail: options.mail ? mailer(options.mail) : null,
      publicUrl: () => options.publicUrl ?? urlOf(app, host),
      stopAnswersOf: async (userId) => {
        for (const { id } of await listConversations(db, userId)) answers.stopConversation(id);
      },
    });
    addStatusRoute(app, pool);
    addLabRoutes(app, lab);
    const turns = { db, pool, answers, usage, guard, log: app.log };
    addChatRoutes(app, turns, new Drafts(turns, settings, app.log));
    await addLibraryRoutes(app, db, answers);
    await addFileRoutes(app, files);
    addFeedbackRoutes(app, database.db);
    addAssistantRoutes(app, db, documents);
    const webFolder = options.webFolder ?? join(import.meta.dirname, '../web/dist');
    addWidgetRoutes(app, { db, pool, guard, usage, webFolder });
    addSafetyRoutes(app, db, guard);
    addWorkbenchRoutes(app, { db, writer, lab });
    await addPage(app, webFolder);

    await listen(app, port, host);
    await startFirstModel({ db, registry, pool, modelFolder, log: app.log });
    lab.start();
    writer.wake();
  } catch (error) {
    await stop();
    throw error;
  }

  let closing: Promise<void> | null = null;
  return {
    url: urlOf(app, host),
    routes: routes(),
    close() {
      closing ??= stop();
      return closing;
    },
  };
}

function createApp(logger: FastifyBaseLogger | undefined): FastifyInstance {
  const app = Fastify({
    ...(logger && { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    genReqId: () => `req_${randomUUID().replaceAll('-', '')}`,
    routerOptions: { ignoreTrailingSlash: true },
    // Addresses that no route can be looked up for.
    frameworkErrors: replyWithError,
    // Idle keep-alive connections must not hold up closing.
    forceCloseConnections: 'idle',
  });
  acceptJsonOnly(app);
  addRequestLog(app);
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
  // OpenAI's clients try again after a 429; where the day's tokens are used up that is of no use.
  if (error.code === 'insufficient_quota') reply.header('x-should-retry', 'false');
  reply.code(error.statusCode);
  if (request.url.startsWith('/v1')) return reply.send(openaiErrorBody(error));
  return reply.send({ error: { message: error.message, code: error.code } });
}
