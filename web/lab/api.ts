/** The routes of contracts/lab.ts, comparison.ts and lineage.ts as functions, and what the pages read as queries. */
import {
  type BlindItem,
  blindItemSchema,
  comparisonDetailsSchema,
  comparisonSchema,
  type DeploymentRequest,
  deploymentSchema,
  type JobEvent,
  jobDetailsSchema,
  jobEventSchema,
  jobSchema,
  labEpisodeSchema,
  labInputsSchema,
  labModelDetailsSchema,
  labModelSchema,
  lineageItemSchema,
  lineageSchema,
  modelOriginSchema,
  type NewComparison,
  type NewJob,
  unveiledSchema,
  type VoteRequest,
} from '@parley/contracts';
import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { z } from 'zod';
import { readEvents } from '../api/event-stream.ts';
import { jsonBody, request, requestNothing, send } from '../api/request.ts';

const post = (body: unknown = {}): RequestInit => ({ method: 'POST', ...jsonBody(body) });
const remove: RequestInit = { method: 'DELETE' };
const model = (id: string) => `/api/lab/models/${encodeURIComponent(id)}`;

export const createJob = (body: NewJob) => request('/api/lab/jobs', jobSchema, post(body));
export const stopJob = (id: string) => request(`/api/lab/jobs/${id}/stop`, jobSchema, post());
export const resumeJob = (id: string) => request(`/api/lab/jobs/${id}/resume`, jobSchema, post());
export const deleteJob = (id: string): Promise<void> => requestNothing(`/api/lab/jobs/${id}`, remove);
export const importModel = (folder: string) => request('/api/lab/models', labModelSchema, post({ folder }));
export const deleteModel = (id: string): Promise<void> => requestNothing(model(id), remove);
export const deploy = (body: DeploymentRequest) => request('/api/lab/deployments', deploymentSchema, post(body));
export const createComparison = (body: NewComparison) => request('/api/comparisons', comparisonSchema, post(body));
export const deleteComparison = (id: string): Promise<void> => requestNothing(`/api/comparisons/${id}`, remove);
export const vote = (id: string, body: VoteRequest) =>
  request(`/api/comparisons/${id}/votes`, unveiledSchema, post(body));
export const nextItem = async (id: string): Promise<BlindItem | null> =>
  (await request(`/api/comparisons/${id}/next`, z.object({ item: blindItemSchema.nullable() }))).item;

/** After something was removed: what was kept of it would be asked for in vain while its page is still closing. */
export const refreshWithout = (client: QueryClient, id: string): Promise<void> =>
  client.invalidateQueries({ queryKey: ['lab'], predicate: ({ queryKey }) => !queryKey.includes(id) });

/** A job and what its run writes, until it ends or the signal fires. */
export async function* jobEvents(id: string, signal: AbortSignal): AsyncGenerator<JobEvent, void> {
  const response = await send(`/api/lab/jobs/${id}/events`, { headers: { accept: 'text/event-stream' }, signal });
  if (!response.body) return;
  for await (const { data } of readEvents(response.body)) yield jobEventSchema.parse(JSON.parse(data));
}

const jobsSchema = z.object({ jobs: z.array(jobSchema) });
export const jobsQuery = queryOptions({
  queryKey: ['lab', 'jobs'],
  queryFn: async ({ signal }) => (await request('/api/lab/jobs', jobsSchema, { signal })).jobs,
  refetchInterval: 3_000,
});

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['lab', 'job', id],
    queryFn: ({ signal }) => request(`/api/lab/jobs/${id}`, jobDetailsSchema, { signal }),
  });

export const inputsQuery = queryOptions({
  queryKey: ['lab', 'inputs'],
  queryFn: ({ signal }) => request('/api/lab/inputs', labInputsSchema, { signal }),
});

const modelsSchema = z.object({ models: z.array(labModelSchema) });
export const modelsQuery = queryOptions({
  queryKey: ['lab', 'models'],
  queryFn: async ({ signal }) => (await request('/api/lab/models', modelsSchema, { signal })).models,
});

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ['lab', 'model', id],
    queryFn: ({ signal }) => request(model(id), labModelDetailsSchema, { signal }),
  });

const deploymentsSchema = z.object({ deployments: z.array(deploymentSchema) });
export const deploymentsQuery = queryOptions({
  queryKey: ['lab', 'deployments'],
  queryFn: async ({ signal }) => (await request('/api/lab/deployments', deploymentsSchema, { signal })).deployments,
});

const comparisonsSchema = z.object({ comparisons: z.array(comparisonSchema) });
export const comparisonsQuery = queryOptions({
  queryKey: ['lab', 'comparisons'],
  queryFn: async ({ signal }) => (await request('/api/comparisons', comparisonsSchema, { signal })).comparisons,
  refetchInterval: ({ state }) =>
    state.data?.some(({ answered, prompts, error }) => answered < prompts && error === null) ? 1_500 : false,
});

export const comparisonQuery = (id: string) =>
  queryOptions({
    queryKey: ['lab', 'comparison', id],
    queryFn: ({ signal }) => request(`/api/comparisons/${id}`, comparisonDetailsSchema, { signal }),
    refetchInterval: ({ state }) => {
      const comparison = state.data?.comparison;
      return comparison && comparison.error === null && comparison.answered < comparison.prompts ? 1_500 : false;
    },
  });

const stepsSchema = z.object({ steps: z.array(z.int()) });
export const stepsQuery = (job: string, active = false) =>
  queryOptions({
    queryKey: ['lab', 'episodes', job, { active }],
    queryFn: async ({ signal }) => (await request(`/api/lab/jobs/${job}/episodes`, stepsSchema, { signal })).steps,
  });

const episodesSchema = z.object({ episodes: z.array(labEpisodeSchema) });
export const episodesQuery = (job: string, step: number) =>
  queryOptions({
    queryKey: ['lab', 'episodes', job, step],
    queryFn: async ({ signal }) =>
      (await request(`/api/lab/jobs/${job}/episodes/${step}`, episodesSchema, { signal })).episodes,
    staleTime: Number.POSITIVE_INFINITY,
  });

const itemsSchema = z.object({ items: z.array(lineageItemSchema) });
export const ownItemsQuery = queryOptions({
  queryKey: ['lineage'],
  queryFn: async ({ signal }) => (await request('/api/lineage', itemsSchema, { signal })).items,
});

/** @param of an item's id, or that of a message that one has given a thumb */
export const lineageQuery = (of: 'items' | 'messages', id: string) =>
  queryOptions({
    queryKey: ['lineage', of, id],
    queryFn: ({ signal }) => request(`/api/lineage/${of}/${id}`, lineageSchema, { signal }),
  });

export const originQuery = (id: string) =>
  queryOptions({
    queryKey: ['lineage', 'models', id],
    queryFn: ({ signal }) => request(`/api/lineage/models/${encodeURIComponent(id)}`, modelOriginSchema, { signal }),
  });
