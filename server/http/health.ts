/** For whoever watches over the server: does it live, and can it answer? */
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import type { Db } from '../db/database.ts';

const databaseLimitMilliseconds = 2_000;

interface Health {
  db: Db;
  modelReady: () => boolean;
  stopping: () => boolean;
}

/**
 * `/healthz/live` answers 200 as long as the process serves at all: end it if that fails. `/healthz` answers 503 while
 * questions cannot be answered, for a moment at the start and at the end: send none until it is 200.
 */
export function addHealth(app: FastifyInstance, health: Health): void {
  app.get('/healthz/live', access('public'), async () => ({ status: 'ok' }));
  app.get('/healthz', access('public'), async (_request, reply) => {
    const status = await statusOf(health);
    return reply.code(status === 'ok' ? 200 : 503).send({ status });
  });
}

async function statusOf({ db, modelReady, stopping }: Health): Promise<string> {
  if (stopping()) return 'the server is stopping';
  if (!(await answers(db))) return 'the database does not answer';
  return modelReady() ? 'ok' : 'the model is loading';
}

async function answers(db: Db): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), databaseLimitMilliseconds);
  });
  const asked = db
    .selectFrom('users')
    .select('id')
    .limit(1)
    .execute()
    .then(
      () => true,
      () => false,
    );
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
