/**
 * The Lab: models, and which of them answers.
 *
 *   GET    /api/models                        → { models: ModelChoice[] }    what one may chat with
 */
import { z } from 'zod';
import { manifestSchema } from './model.ts';

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
  createdAt: z.int(),
});
export type Deployment = z.infer<typeof deploymentSchema>;
