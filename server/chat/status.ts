/** What the page needs to know before the first question. */
import { readFileSync } from 'node:fs';
import type { Status } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import type { Inference } from '../inference/inference.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export function addStatusRoute(app: FastifyInstance, inference: Inference): void {
  app.get('/api/status', access('user'), async (): Promise<Status> => {
    const { model, ready } = inference;
    return {
      version,
      model: { id: model?.id ?? '', parameters: model?.parameters ?? 0, context: model?.context ?? 0 },
      ready,
    };
  });
}
