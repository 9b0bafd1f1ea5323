/** All routes of contracts/lab.ts, contracts/comparison.ts and contracts/lineage.ts. */
import type { FastifyInstance } from 'fastify';
import { addComparisonRoutes } from './comparison-routes.ts';
import { addDeploymentRoutes } from './deployment-routes.ts';
import { addEpisodeRoutes } from './episode-routes.ts';
import { addJobRoutes } from './job-routes.ts';
import type { Lab } from './lab.ts';
import { addLineageRoutes } from './lineage-routes.ts';
import { addModelRoutes } from './model-routes.ts';

export function addLabRoutes(app: FastifyInstance, lab: Lab): void {
  addModelRoutes(app, lab);
  addDeploymentRoutes(app, lab);
  addJobRoutes(app, lab);
  addEpisodeRoutes(app, lab);
  addComparisonRoutes(app, lab);
  addLineageRoutes(app, lab);
}
