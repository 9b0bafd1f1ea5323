/** Jobs: making, watching, stopping and removing them. */
import { type Job, type JobDetails, type JobEvent, type LabInputs, newJobSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { recordAudit } from '../accounts/audit.ts';
import { parse } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import { argumentsFor, checkSettings } from './job-arguments.ts';
import { toJob } from './job-store.ts';
import type { Lab } from './lab.ts';
import { followRun, readModelManifest, readRunFile, readRunJson } from './run-files.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const administrators = access('administrator');

export function addJobRoutes(app: FastifyInstance, lab: Lab): void {
  const { jobs, runner, registry, folders } = lab;

  app.get('/api/lab/jobs', administrators, async () => ({ jobs: (await jobs.list()).map(toJob) }));

  app.post('/api/lab/jobs', administrators, async (request, reply): Promise<Job> => {
    const { recipe, name, settings } = parse(newJobSchema, request.body);
    const checked = checkSettings(recipe, settings);
    // What is named must be there now; when the job begins it is looked up again.
    await argumentsFor({ recipe, settings: checked, runFolder: lab.runFolder({ name }) }, lab);
    const row = await jobs.add({ recipe, name, settings: checked, user: userOf(request).id });
    await recordAudit(lab.db, request, { action: 'run.started', subject: name, detail: { recipe } });
    void runner.nudge();
    reply.code(201);
    return toJob(row);
  });

  app.get('/api/lab/jobs/:id', administrators, async (request): Promise<JobDetails> => {
    const row = await jobs.get(parse(idSchema, request.params).id);
    const folder = lab.runFolder(row);
    const manifest = readModelManifest(folder);
    return {
      job: toJob(row),
      settings: JSON.parse(row.settings),
      report: readRunFile(folder, 'report.md'),
      result: row.state === 'done' ? readRunJson(folder, 'result.json') : null,
      model: manifest && ((await registry.findByHash(manifest.weightsHash))?.id ?? null),
    };
  });

  app.get('/api/lab/jobs/:id/events', administrators, async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    await jobs.get(id);
    return sendEvents(reply, async function* (gone) {
      for await (const jobEvent of follow(id, gone)) yield event(jobEvent);
    });
  });

  app.post('/api/lab/jobs/:id/stop', administrators, async (request) => {
    const { id } = parse(idSchema, request.params);
    const before = await jobs.get(id);
    const row = await jobs.requestStop(id);
    if (before.stop_requested) runner.stopAtOnce(id);
    void runner.nudge();
    return toJob(row);
  });

  app.post('/api/lab/jobs/:id/resume', administrators, async (request) => {
    const row = await jobs.resume(parse(idSchema, request.params).id);
    void runner.nudge();
    return toJob(row);
  });

  app.delete('/api/lab/jobs/:id', administrators, async (request, reply) => {
    const { name } = await lab.removeJob(parse(idSchema, request.params).id);
    await recordAudit(lab.db, request, { action: 'run.removed', subject: name });
    return reply.code(204).send();
  });

  app.get('/api/lab/inputs', administrators, async (): Promise<LabInputs> => {
    const models = await registry.list();
    return {
      models: models.map(({ id, manifest }) => ({ id, stage: manifest.stage })),
      snapshots: folders.listSnapshots(),
      data: folders.listData(),
    };
  });

  /** The job whenever it has changed, and what its run writes, until it has ended. */
  async function* follow(id: string, gone: AbortSignal): AsyncGenerator<JobEvent> {
    let told = '';
    const look = async () => {
      const job = toJob(await jobs.get(id));
      const { heartbeatAt: _, ...changing } = job;
      const first: JobEvent[] = JSON.stringify(changing) === told ? [] : [{ type: 'job', job }];
      told = JSON.stringify(changing);
      return { first, ended: job.state !== 'queued' && job.state !== 'running' };
    };
    yield* followRun(lab.runFolder(await jobs.get(id)), look, gone);
  }
}
