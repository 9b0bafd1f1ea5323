/** Models: which there are, what is known of them, taking them in and giving them up. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { importModelSchema, type LabModel, type LabModelDetails, type ModelChoice } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access } from '../accounts/access.ts';
import { recordAudit } from '../accounts/audit.ts';
import { HttpError, parse } from '../http/errors.ts';
import { figuresOf } from './figures.ts';
import type { Lab } from './lab.ts';
import type { RegisteredModel } from './registry.ts';
import { readRunFile } from './run-files.ts';
import type { JobRow } from './tables.ts';

const idSchema = z.object({ id: z.string().min(1) });
const administrators = access('administrator');

export function addModelRoutes(app: FastifyInstance, lab: Lab): void {
  const { pool, registry } = lab;

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

  app.get('/api/lab/models', administrators, async (): Promise<{ models: LabModel[] }> => {
    const jobs = await lab.jobs.list();
    const models = await registry.listAll();
    return { models: (await registry.list()).map((model) => toLabModel(model, models, jobs)) };
  });

  app.get('/api/lab/models/:id', administrators, async (request): Promise<LabModelDetails> => {
    const model = await registry.get(parse(idSchema, request.params).id);
    const job = await lab.jobOf(model);
    return {
      model: toLabModel(model, await registry.listAll(), await lab.jobs.list()),
      manifest: model.manifest,
      figures: await figuresOf(lab, model),
      card: job ? readRunFile(lab.runFolder(job), 'report.md') : readCard(model),
    };
  });

  app.post('/api/lab/models', administrators, async (request, reply): Promise<LabModel> => {
    const { folder } = parse(importModelSchema, request.body);
    if (!isAbsolute(folder)) {
      throw new HttpError(400, 'invalid_request', `folder: '${folder}' does not say where it is: begin with '/'.`, {
        param: 'folder',
      });
    }
    const { inference, model } = await pool.load(folder).catch((error: Error) => {
      throw new HttpError(400, 'model_unusable', `folder: ${error.message}`, { param: 'folder' });
    });
    await pool.dismiss(inference);
    const registered = await registry.register(folder, model);
    await recordAudit(lab.db, request, { action: 'model.imported', subject: registered.id });
    reply.code(201);
    return toLabModel(registered, await registry.listAll(), await lab.jobs.list());
  });

  app.delete('/api/lab/models/:id', administrators, async (request, reply) => {
    const model = await registry.get(parse(idSchema, request.params).id);
    lab.refuseIfDeployed(model);
    await pool.forget(model.id);
    await registry.markRemoved(model.id);
    // What the Lab has made is the Lab's to remove; a folder that was imported is somebody else's.
    if (await lab.jobOf(model)) rmSync(model.folder, { recursive: true, force: true });
    await recordAudit(lab.db, request, { action: 'model.removed', subject: model.id });
    return reply.code(204).send();
  });

  function toLabModel(model: RegisteredModel, all: readonly RegisteredModel[], jobs: readonly JobRow[]): LabModel {
    const { id, manifest, context, folder } = model;
    const { stage, parameters, weightsHash, parent, data, createdAt } = manifest;
    const job = lab.jobAmong(jobs, model);
    const parentId = all.find((other) => other.manifest.weightsHash === parent?.weightsHash)?.id ?? null;
    return {
      ...{ id, stage, parameters, context, weightsHash, data, bytes: weightBytes(folder) },
      parent: parent && { ...parent, id: parentId },
      createdAt: Date.parse(createdAt),
      role: pool.roleOf(id),
      loaded: pool.loaded.includes(id),
      job: job && { id: job.id, name: job.name },
    };
  }
}

function weightBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  return files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

/** Without the header for machines that Hugging Face's cards begin with. */
function readCard({ folder }: RegisteredModel): string | null {
  const path = join(folder, 'README.md');
  return existsSync(path) ? readFileSync(path, 'utf8').replace(/^---\n[\s\S]*?\n---\n/, '') : null;
}
