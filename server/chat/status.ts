/** What the page needs to know before the first question. */
import { readFileSync } from 'node:fs';
import type { Status } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import type { ModelPool } from '../inference/pool.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export function addStatusRoute(app: FastifyInstance, pool: ModelPool): void {
  app.get('/api/status', access('user'), async (): Promise<Status> => {
    const { deployed: model, ready } = pool;
    return {
      version,
      model: { id: model?.id ?? '', parameters: model?.parameters ?? 0, context: model?.context ?? 0 },
      ready,
    };
  });
}
