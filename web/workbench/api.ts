/** The routes of contracts/workbench.ts as functions, and what the pages read of them as queries. */
import {
  type Contribution,
  contributionSchema,
  type Guidelines,
  guidelinesSchema,
  heldSchema,
  type ImportRequest,
  leaseSchema,
  madeSchema,
  overviewSchema,
  type Task,
  type TaskKind,
  taskDetailSchema,
  taskListSchema,
  thumbedMessageSchema,
  type Work,
} from '@parley/contracts';
import { queryOptions } from '@tanstack/react-query';
import { z } from 'zod';
import { jsonBody, request, requestNothing } from '../api/request.ts';

const base = '/api/workbench';
const post = (body: unknown): RequestInit => ({ method: 'POST', ...jsonBody(body) });

export const overviewQuery = queryOptions({
  queryKey: ['workbench', 'overview'],
  queryFn: ({ signal }) =>
    request(`${base}/overview?utcOffset=${new Date().getTimezoneOffset()}`, overviewSchema, { signal }),
});

const contributionListSchema = z.object({ contributions: z.array(contributionSchema) });
export const contributionsQuery = queryOptions({
  queryKey: ['workbench', 'contributions'],
  queryFn: async ({ signal }) =>
    (await request(`${base}/contributions`, contributionListSchema, { signal })).contributions,
});

export const guidelinesQuery = queryOptions({
  queryKey: ['workbench', 'guidelines'],
  queryFn: ({ signal }) => request(`${base}/guidelines`, guidelinesSchema, { signal }),
  staleTime: 60_000,
});

const thumbListSchema = z.object({ thumbs: z.array(thumbedMessageSchema) });
export const thumbsQuery = queryOptions({
  queryKey: ['workbench', 'thumbs'],
  queryFn: async ({ signal }) => (await request(`${base}/thumbs`, thumbListSchema, { signal })).thumbs,
});

export const taskListQuery = queryOptions({
  queryKey: ['workbench', 'tasks'],
  queryFn: ({ signal }) => request(`${base}/tasks`, taskListSchema, { signal }),
  // While the model writes answers, see how far it is.
  refetchInterval: ({ state }) => (state.data?.tasks.some((task) => task.state === 'preparing') ? 1_500 : false),
});

export function taskDetailQuery(id: string) {
  return queryOptions({
    queryKey: ['workbench', 'tasks', id],
    queryFn: ({ signal }) => request(`${base}/tasks/${id}`, taskDetailSchema, { signal }),
  });
}

export async function leaseTask(kind: TaskKind): Promise<Task | null> {
  return (await request(`${base}/lease`, leaseSchema, post({ kind }))).task;
}

export async function heartbeat(taskId: string): Promise<void> {
  await request(`${base}/tasks/${taskId}/heartbeat`, heldSchema, post({}));
}

export async function saveDraft(taskId: string, work: Work): Promise<void> {
  await request(`${base}/tasks/${taskId}/draft`, heldSchema, { method: 'PUT', ...jsonBody(work), keepalive: true });
}

export function submitWork(taskId: string, work: Work): Promise<Contribution> {
  return request(`${base}/tasks/${taskId}/submit`, contributionSchema, post(work));
}

export function skipTask(taskId: string): Promise<void> {
  return requestNothing(`${base}/tasks/${taskId}/skip`, post({}));
}

/** Also while the page is being left. */
export function releaseTask(taskId: string): Promise<void> {
  return requestNothing(`${base}/tasks/${taskId}/release`, { ...post({}), keepalive: true });
}

export async function undoContribution(id: string): Promise<Task | null> {
  return (await request(`${base}/contributions/${id}/undo`, leaseSchema, post({}))).task;
}

export function withdrawContribution(id: string): Promise<void> {
  return requestNothing(`${base}/contributions/${id}`, { method: 'DELETE' });
}

export function putGuidelines(guidelines: Guidelines): Promise<Guidelines> {
  return request(`${base}/guidelines`, guidelinesSchema, { method: 'PUT', ...jsonBody(guidelines) });
}

export function makeTasksFromThumbs(feedbackIds: string[]): Promise<{ made: number }> {
  return request(`${base}/tasks/from-thumbs`, madeSchema, post({ feedbackIds }));
}

export function importPrompts(body: ImportRequest): Promise<{ made: number }> {
  return request(`${base}/tasks/import`, madeSchema, post(body));
}

export function deleteTask(id: string): Promise<void> {
  return requestNothing(`${base}/tasks/${id}`, { method: 'DELETE' });
}
