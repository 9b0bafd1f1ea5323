/** All routes of contracts/lab.ts. */
import type { FastifyInstance } from 'fastify';
import { addJobRoutes } from './job-routes.ts';
import type { Lab } from './lab.ts';
import { addModelRoutes } from './model-routes.ts';

export function addLabRoutes(app: FastifyInstance, lab: Lab): void {
  addModelRoutes(app, lab);
  addJobRoutes(app, lab);
}
