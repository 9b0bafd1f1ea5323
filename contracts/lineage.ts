/**
 * Lineage: what became of something that a person said, and what a model was made of. Every link is a hash that a
 * manifest or a snapshot states; nothing is guessed.
 *
 *   GET /api/lineage                  → { items: LineageItem[] }    one's own, newest first
 *   GET /api/lineage/items/:id        → Lineage                     one's own; administrators: anybody's
 *   GET /api/lineage/messages/:id     → Lineage                     of one's own thumb on that message
 *   GET /api/lineage/models/:id       → ModelOrigin                 administrators
 */
import { z } from 'zod';
import { deploymentKindSchema } from './lab.ts';
import { manifestSchema } from './model.ts';

export const lineageItemSchema = z.object({
  id: z.string(),
  kind: z.enum(['thumb', 'ranking', 'pair', 'demonstration']),
  /** The beginning of what it is about. */
  excerpt: z.string(),
  /** Null where only a snapshot knows of it. */
  createdAt: z.int().nullable(),
  /** Taken back, or its conversation deleted: it will be missing from the next snapshot. */
  withdrawn: z.boolean(),
  /** In how many snapshots it is. */
  snapshots: z.int(),
});
export type LineageItem = z.infer<typeof lineageItemSchema>;

export const lineageSnapshotSchema = z.object({
  name: z.string(),
  hash: z.string(),
  createdAt: z.int(),
  /** Lines of all kinds. */
  lines: z.int(),
  /** Whether the folder is still there. */
  present: z.boolean(),
});

export const lineageModelSchema = z.object({
  id: z.string(),
  stage: manifestSchema.shape.stage,
  weightsHash: z.string(),
  createdAt: z.int(),
  removed: z.boolean(),
  job: z.object({ id: z.string(), name: z.string() }).nullable(),
  /** What makes it part of this line: 'data' it learned from, 'prompts' it answered, its 'reward' model, its 'parent'. */
  links: z.array(z.object({ kind: z.enum(['data', 'prompts', 'reward', 'parent']), from: z.string() })),
});
export type LineageModel = z.infer<typeof lineageModelSchema>;

export const lineageDeploymentSchema = z.object({
  id: z.string(),
  kind: deploymentKindSchema,
  model: z.string(),
  /** Whether it answered a share of the conversations only. */
  challengerPercent: z.int().nullable(),
  from: z.int(),
  /** Null: still. */
  until: z.int().nullable(),
});
export const lineageComparisonSchema = z.object({
  id: z.string(),
  left: z.string(),
  right: z.string(),
  votes: z.int(),
  winRate: z.number().nullable(),
  createdAt: z.int(),
});

const lineShape = {
  snapshots: z.array(lineageSnapshotSchema),
  /** Ancestors before descendants. */
  models: z.array(lineageModelSchema),
  comparisons: z.array(lineageComparisonSchema),
  deployments: z.array(lineageDeploymentSchema),
};

export const lineageSchema = z.object({ item: lineageItemSchema, ...lineShape });
export type Lineage = z.infer<typeof lineageSchema>;

/** What a model was made of, back to the first ancestor known here. */
export const modelOriginSchema = z.object({
  model: lineageModelSchema,
  ...lineShape,
  /** What people said that it learned from, directly or through its reward model. */
  items: z.array(lineageItemSchema),
  people: z.int(),
});
export type ModelOrigin = z.infer<typeof modelOriginSchema>;
