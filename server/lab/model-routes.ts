/** Which models one may chat with. */
import type { ModelChoice } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { ModelRegistry } from './registry.ts';

export function addModelRoutes(app: FastifyInstance, { pool, registry }: { pool: ModelPool; registry: ModelRegistry }) {
  app.get('/api/models', access('user'), async (): Promise<{ models: ModelChoice[] }> => {
    const deployed = pool.deployed?.id;
    const models = await registry.listChat();
    return {
      models: models.map(({ id, manifest, context }) => ({
        ...{ id, context, stage: manifest.stage, parameters: manifest.parameters },
        deployed: id === deployed,
      })),
    };
  });
}
