/** What answers when the server starts: what was deployed last, or the folder that it was started with. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import type { ModelPool } from '../inference/pool.ts';
import { currentDeployment, deploy } from './deployments.ts';
import type { ModelRegistry, RegisteredModel } from './registry.ts';

interface Start {
  db: Db;
  registry: ModelRegistry;
  pool: ModelPool;
  modelFolder: string;
  log: FastifyBaseLogger;
}

/**
 * A folder that the registry does not know is registered and deployed. One that it knows leaves the deployment as it
 * stands, so that starting again with the same command does not undo a promotion; only where what was deployed cannot
 * be loaded any more does the folder take its place.
 * @throws Error in one line if the folder cannot be loaded
 */
export async function startFirstModel({ db, registry, pool, modelFolder, log }: Start): Promise<void> {
  const current = await currentDeployment(db);
  if (current !== null && (await isKnown(registry, modelFolder))) {
    try {
      const model = await registry.getChat(current.model);
      pool.adopt(model.id, model.folder, await pool.load(model.folder));
      pool.serve(current);
      return;
    } catch (error) {
      log.error({ reason: (error as Error).message }, `the deployed model '${current.model}' cannot be loaded`);
    }
  }
  const worker = await pool.load(modelFolder);
  const model = await registry.register(modelFolder, worker.model);
  pool.adopt(model.id, model.folder, worker);
  const missing = current === null ? '' : `${current.model} was deployed before.`;
  const started = {
    kind: 'start',
    challenger: null,
    challengerPercent: 0,
    figures: {},
    reason: missing,
    user: null,
  } as const;
  pool.serve(current?.model === model.id ? current : await deploy(db, { model: model.id, ...started }));
}

async function isKnown(registry: ModelRegistry, folder: string): Promise<boolean> {
  const path = join(folder, 'manifest.json');
  const hash = existsSync(path) ? readHash(path) : undefined;
  const known = (model: RegisteredModel) =>
    hash === undefined ? model.folder === resolve(folder) : model.manifest.weightsHash === hash;
  return (await registry.list()).some(known);
}

/** Undefined for a damaged file: loading the folder tells what is wrong with it. */
function readHash(path: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { weightsHash?: string }).weightsHash;
  } catch {
    return undefined;
  }
}
