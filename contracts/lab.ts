/**
 * The Lab: models, which of them answers, and the jobs that make new ones. Administrators only, but for the first.
 *
 *   GET    /api/models                        → { models: ModelChoice[] }    what one may chat with
 *
 *   GET    /api/lab/jobs                      → { jobs: Job[] }              newest first
 *   POST   /api/lab/jobs                      → Job                          body: NewJob
 *   GET    /api/lab/jobs/:id                  → JobDetails
 *   GET    /api/lab/jobs/:id/events           → server-sent events           JobEvent; ends when the job has ended
 *   POST   /api/lab/jobs/:id/stop             → Job                          checkpoints and ends; again: ends at once
 *   POST   /api/lab/jobs/:id/resume           → Job
 *   DELETE /api/lab/jobs/:id                  → 204                          with its run directory and its model
 *   GET    /api/lab/jobs/:id/episodes         → { steps: number[] }          of a run with `dump`
 *   GET    /api/lab/jobs/:id/episodes/:step   → { episodes: LabEpisode[] }
 *   GET    /api/lab/inputs                    → LabInputs                    what a recipe can start from
 *
 *   GET    /api/lab/models                    → { models: LabModel[] }
 *   GET    /api/lab/models/:id                → LabModelDetails
 *   POST   /api/lab/models                    → LabModel                     body: { folder }: import
 *   DELETE /api/lab/models/:id                → 204                          files of a run go too, others stay
 *   GET    /api/lab/deployments               → { deployments: Deployment[] }    newest first
 *   POST   /api/lab/deployments               → Deployment                   body: DeploymentRequest
 */
import { z } from 'zod';
import {
  dpoRecipeSchema,
  grpoRecipeSchema,
  ppoRecipeSchema,
  rewardRecipeSchema,
  trpoRecipeSchema,
} from './alignment.ts';
import { metricSchema } from './metrics.ts';
import { manifestSchema } from './model.ts';
import { snapshotSchema } from './preference.ts';
import { evaluateRecipeSchema, pretrainRecipeSchema, sftRecipeSchema } from './recipes.ts';

/** A model that people may choose to chat with. */
export const modelChoiceSchema = z.object({
  /** What to ask for it by: also `model` of /v1. */
  id: z.string(),
  stage: manifestSchema.shape.stage,
  parameters: z.int(),
  context: z.int(),
  /** Whether it answers those who choose none. */
  deployed: z.boolean(),
});
export type ModelChoice = z.infer<typeof modelChoiceSchema>;

/** `parley data snapshot` without files from elsewhere. */
export const snapshotRecipeSchema = z.object({
  out: z.string().describe('folder that the snapshot is put into, under the first digits of its hash'),
});

/** What the Lab can start, in the order in which a model is made. */
export const labRecipes = {
  snapshot: snapshotRecipeSchema,
  pretrain: pretrainRecipeSchema,
  sft: sftRecipeSchema,
  reward: rewardRecipeSchema,
  ppo: ppoRecipeSchema,
  trpo: trpoRecipeSchema,
  grpo: grpoRecipeSchema,
  dpo: dpoRecipeSchema,
  evaluate: evaluateRecipeSchema,
} satisfies Record<string, z.ZodObject>;
export type LabRecipe = keyof typeof labRecipes;
export const labRecipeSchema = z.enum(Object.keys(labRecipes) as [LabRecipe, ...LabRecipe[]]);

/**
 * Settings that name something that the Lab has, and what. Their values in a job are `model:ID`, `snapshot:NAME` or
 * `data:NAME`; everything else on the server's disk is out of reach of a job.
 */
export const inputKinds: Readonly<Record<string, 'model' | 'rewardModel' | 'preferences' | 'data' | 'prompts'>> = {
  model: 'model',
  base: 'model',
  reference: 'model',
  rewardModel: 'rewardModel',
  preferences: 'preferences',
  demonstrations: 'data',
  data: 'data',
  pretraining: 'data',
  prompts: 'prompts',
};

/** Settings that a job has not: where it writes is its name, and code from the server's disk is not run for a browser. */
export const withheldSettings: readonly string[] = ['out', 'reward', 'tokenizer'];

/** Settings that finish in minutes on the model that ships, where the defaults take longer. */
export const quickSettings: Partial<Record<LabRecipe, Record<string, unknown>>> = {
  reward: { batch: 4, epochs: 3, warmup: 2, checkpointEvery: 10 },
  ppo: { steps: 20, batch: 16, minibatches: 2, maxTokens: 48, checkpointEvery: 5, dump: true },
  trpo: { steps: 10, batch: 16, maxTokens: 48, checkpointEvery: 5, dump: true },
  grpo: { steps: 20, batch: 16, group: 4, maxTokens: 48, checkpointEvery: 5, dump: true },
  dpo: { batch: 8, epochs: 2, checkpointEvery: 10 },
  sft: { epochs: 0.1, batch: 8, checkpointEvery: 20 },
  evaluate: { items: 10 },
};

export const jobNameSchema = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, 'letters, digits, dots and dashes, starting with a letter or digit');

export const newJobSchema = z.object({
  recipe: labRecipeSchema,
  /** Names the run and its model. */
  name: jobNameSchema,
  /** Those that differ from the recipe's defaults. */
  settings: z.record(z.string(), z.unknown()).default({}),
});
export type NewJob = z.infer<typeof newJobSchema>;

export const jobSchema = z.object({
  id: z.string(),
  recipe: labRecipeSchema,
  name: z.string(),
  /** 'stopped': asked to, and can go on. 'failed': why is in `error`. */
  state: z.enum(['queued', 'running', 'stopped', 'failed', 'done']),
  /** Asked to stop, and not there yet. */
  stopping: z.boolean(),
  /** Times it was begun since it was last queued by a person. */
  attempts: z.int(),
  error: z.string().nullable(),
  createdAt: z.int(),
  startedAt: z.int().nullable(),
  finishedAt: z.int().nullable(),
  /** When the server last saw it alive. */
  heartbeatAt: z.int().nullable(),
});
export type Job = z.infer<typeof jobSchema>;

export const jobDetailsSchema = z.object({
  job: jobSchema,
  settings: z.record(z.string(), z.unknown()),
  /** Markdown. */
  report: z.string().nullable(),
  /** What the command gave: the recipe's report, or of a snapshot what is in it. */
  result: z.record(z.string(), z.unknown()).nullable(),
  /** The id of the model that it made. */
  model: z.string().nullable(),
});
export type JobDetails = z.infer<typeof jobDetailsSchema>;

export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: jobSchema }),
  /** New lines; a step that comes again replaces what was told of it. */
  z.object({ type: z.literal('metrics'), metrics: z.array(metricSchema) }),
  /** `restart`: forget the text before. */
  z.object({ type: z.literal('log'), text: z.string(), restart: z.boolean() }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;

export const labSnapshotSchema = z.object({
  name: z.string(),
  hash: z.string(),
  lines: snapshotSchema.shape.lines,
  createdAt: z.int(),
});
export type LabSnapshot = z.infer<typeof labSnapshotSchema>;

export const labInputsSchema = z.object({
  models: z.array(z.object({ id: z.string(), stage: manifestSchema.shape.stage })),
  snapshots: z.array(labSnapshotSchema),
  /** Folders and .jsonl files in the server's data folder. */
  data: z.array(z.string()),
});
export type LabInputs = z.infer<typeof labInputsSchema>;

/** What is known of how good a model is, by name: heldOutLoss (nats per token), kl (nats), winRate (0..1) and others. */
export const figuresSchema = z.record(z.string(), z.number());
export type Figures = z.infer<typeof figuresSchema>;

/** A model that one was made from, and its id here if it is known here. */
const ancestorSchema = z.object({ name: z.string(), weightsHash: z.string(), id: z.string().nullable() });

export const labModelSchema = z.object({
  id: z.string(),
  stage: manifestSchema.shape.stage,
  parameters: z.int(),
  context: z.int(),
  weightsHash: z.string(),
  parent: ancestorSchema.nullable(),
  data: manifestSchema.shape.data,
  bytes: z.int().describe('of its weights on the disk'),
  /** Epoch milliseconds. */
  createdAt: z.int(),
  /** 'deployed' answers those who choose no model; 'challenger' a share of their conversations. */
  role: z.enum(['deployed', 'challenger', 'none']),
  loaded: z.boolean(),
  /** The job that made it. */
  job: z.object({ id: z.string(), name: z.string() }).nullable(),
});
export type LabModel = z.infer<typeof labModelSchema>;

export const labModelDetailsSchema = z.object({
  model: labModelSchema,
  manifest: manifestSchema,
  figures: figuresSchema,
  /** The report of the run that made it, or the folder's README, as Markdown. */
  card: z.string().nullable(),
});
export type LabModelDetails = z.infer<typeof labModelDetailsSchema>;

export const importModelSchema = z.object({ folder: z.string().trim().min(1).max(4096) });

export const deploymentKindSchema = z.enum(['start', 'promote', 'share', 'rollback']);

/** Who answers from a moment on: one model, or two that share the conversations. The newest deployment stands. */
export const deploymentSchema = z.object({
  id: z.string(),
  kind: deploymentKindSchema,
  model: z.string(),
  /** Answers in `challengerPercent` of the conversations. */
  challenger: z.string().nullable(),
  challengerPercent: z.int().min(0).max(100),
  reason: z.string(),
  /** What was known of the models when it was decided, by their ids. */
  figures: z.record(z.string(), figuresSchema),
  createdAt: z.int(),
});
export type Deployment = z.infer<typeof deploymentSchema>;

const reason = z.string().trim().max(2000);
export const deploymentRequestSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('promote'), model: z.string(), reason: reason.default('') }),
  /** The deployed model keeps the rest; 0 ends the sharing. */
  z.object({
    kind: z.literal('share'),
    challenger: z.string(),
    challengerPercent: z.int().min(0).max(99),
    reason: reason.default(''),
  }),
  /** Back to the model that was deployed before. */
  z.object({ kind: z.literal('rollback'), reason: reason.min(1, 'say why') }),
]);
export type DeploymentRequest = z.infer<typeof deploymentRequestSchema>;

/** An answer that a policy learned from, token by token, in nats where they are logarithms. */
export const labEpisodeSchema = z.object({
  prompt: z.string(),
  text: z.string(),
  ended: z.boolean(),
  score: z.number(),
  tokens: z.array(
    z.object({
      text: z.string(),
      logProbability: z.number(),
      /** log π − log π_ref. */
      kl: z.number(),
      reward: z.number().nullable(),
      value: z.number().nullable(),
      advantage: z.number().nullable(),
    }),
  ),
});
export type LabEpisode = z.infer<typeof labEpisodeSchema>;
