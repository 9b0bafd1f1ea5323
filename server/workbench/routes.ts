/** The routes of contracts/workbench.ts. */
import {
  draftRequestSchema,
  fromThumbsRequestSchema,
  guidelinesSchema,
  importRequestSchema,
  submitRequestSchema,
  taskKindSchema,
} from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import type { Db } from '../db/database.ts';
import { parse } from '../http/errors.ts';
import type { Lab } from '../lab/lab.ts';
import type { AnswerWriter } from './answer-writer.ts';
import { readGuidelines, writeGuidelines } from './guidelines.ts';
import { tasksFromPrompts, tasksFromThumbs, thumbsDown } from './make-tasks.ts';
import { contributionsOf, overviewOf } from './overview.ts';
import { agreementOfPeople, deleteTask, listTasks, taskDetail } from './task-list.ts';
import { TaskStore } from './tasks.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const leaseRequestSchema = z.object({ kind: taskKindSchema });
const overviewQuerySchema = z.object({ utcOffset: z.coerce.number().int().min(-900).max(900).default(0) });

export interface WorkbenchServices {
  db: Db;
  writer: AnswerWriter;
  lab: Lab;
}

export function addWorkbenchRoutes(app: FastifyInstance, { db, writer, lab }: WorkbenchServices): void {
  const tasks = new TaskStore(db);
  const own = { lab, tasks };
  addWorkRoutes(app, tasks);

  app.get('/api/workbench/overview', access('trainer'), async (request) =>
    overviewOf(own, userOf(request).id, parse(overviewQuerySchema, request.query).utcOffset),
  );

  app.get('/api/workbench/contributions', access('trainer'), async (request) => ({
    contributions: await contributionsOf(own, userOf(request).id),
  }));

  app.post('/api/workbench/tasks/:id/submit', access('trainer'), async (request) => {
    const { id } = parse(idSchema, request.params);
    const user = userOf(request).id;
    const contribution = await tasks.submit(user, id, parse(submitRequestSchema, request.body));
    return (await contributionsOf(own, user)).find((one) => one.id === contribution);
  });

  app.get('/api/workbench/guidelines', access('trainer'), async () => readGuidelines(db));

  app.put('/api/workbench/guidelines', access('administrator'), async (request) =>
    writeGuidelines(db, userOf(request).id, parse(guidelinesSchema, request.body)),
  );

  app.get('/api/workbench/thumbs', access('trainer'), async () => ({ thumbs: await thumbsDown(db) }));

  app.post('/api/workbench/tasks/from-thumbs', access('trainer'), async (request) => {
    const { feedbackIds, answers } = parse(fromThumbsRequestSchema, request.body);
    const made = await tasksFromThumbs(db, userOf(request).id, feedbackIds, answers);
    writer.wake();
    return { made };
  });

  app.post('/api/workbench/tasks/import', access('administrator'), async (request) => {
    const { kind, prompts, answers } = parse(importRequestSchema, request.body);
    const made = await tasksFromPrompts(db, userOf(request).id, kind, prompts, answers);
    writer.wake();
    return { made };
  });

  app.get('/api/workbench/tasks', access('trainer'), async () => ({
    tasks: await listTasks(db),
    people: await agreementOfPeople(db),
  }));

  app.get('/api/workbench/tasks/:id', access('administrator'), async (request) =>
    taskDetail(db, parse(idSchema, request.params).id),
  );

  app.delete('/api/workbench/tasks/:id', access('administrator'), async (request, reply) => {
    await deleteTask(db, parse(idSchema, request.params).id);
    return reply.code(204).send();
  });
}

/** A task in somebody's hands, and what they have handed in. */
function addWorkRoutes(app: FastifyInstance, tasks: TaskStore): void {
  app.post('/api/workbench/lease', access('trainer'), async (request) => ({
    task: await tasks.lease(userOf(request).id, parse(leaseRequestSchema, request.body).kind),
  }));

  app.post('/api/workbench/tasks/:id/heartbeat', access('trainer'), async (request) => ({
    heldUntil: await tasks.heartbeat(userOf(request).id, parse(idSchema, request.params).id),
  }));

  app.put('/api/workbench/tasks/:id/draft', access('trainer'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return { heldUntil: await tasks.saveDraft(userOf(request).id, id, parse(draftRequestSchema, request.body)) };
  });

  app.post('/api/workbench/tasks/:id/skip', access('trainer'), async (request, reply) => {
    await tasks.skip(userOf(request).id, parse(idSchema, request.params).id);
    return reply.code(204).send();
  });

  app.post('/api/workbench/tasks/:id/release', access('trainer'), async (request, reply) => {
    await tasks.release(userOf(request).id, parse(idSchema, request.params).id);
    return reply.code(204).send();
  });

  app.post('/api/workbench/contributions/:id/undo', access('trainer'), async (request) => ({
    task: await tasks.undo(userOf(request).id, parse(idSchema, request.params).id),
  }));

  app.delete('/api/workbench/contributions/:id', access('trainer'), async (request, reply) => {
    await tasks.withdraw(userOf(request).id, parse(idSchema, request.params).id);
    return reply.code(204).send();
  });
}
