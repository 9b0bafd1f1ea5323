/** `report.json` of the recipes: keys that others measure by. Losses are nats per token. */
import { z } from 'zod';

export const pretrainReportSchema = z.looseObject({
  tokens: z.int(),
  seconds: z.number(),
  tokensPerSecond: z.number(),
  /** Over the whole validation part. */
  validationLoss: z.number(),
  bitsPerByte: z.number(),
});

export const taskReportSchema = z.record(
  z.string(),
  z.looseObject({ items: z.int(), base: z.number().describe('exact-match share, 0..1'), sft: z.number() }),
);

export const sftReportSchema = z.looseObject({
  seconds: z.number(),
  heldOutLoss: z.object({ base: z.number(), sft: z.number() }),
  tasks: taskReportSchema.optional(),
});

export const loopReportSchema = z.looseObject({
  seconds: z.number(),
  stages: z.looseObject({
    tokenizer: z.looseObject({ seconds: z.number(), vocabulary: z.int() }),
    pretrain: pretrainReportSchema,
    sft: sftReportSchema.extend({ tasks: taskReportSchema }),
  }),
});
export type PretrainReport = z.infer<typeof pretrainReportSchema>;
export type SftReport = z.infer<typeof sftReportSchema>;
export type LoopReport = z.infer<typeof loopReportSchema>;

/** A share of pairs of answers that a reward model orders as people did. */
const agreementSchema = z.object({ pairs: z.int(), accuracy: z.number() });

export const rewardReportSchema = z.looseObject({
  seconds: z.number(),
  /** Share of held-out pairs ordered as people did. */
  accuracy: z.number(),
  /** How often the longer of two answers is preferred: by the model, and by people. */
  longerWins: z.object({ model: z.number(), people: z.number() }),
  byLanguage: z.record(z.string(), agreementSchema),
  byLength: z.record(z.string(), agreementSchema),
  calibration: z.array(
    z.object({ from: z.number(), to: z.number(), pairs: z.int(), predicted: z.number(), observed: z.number() }),
  ),
});
export type RewardReport = z.infer<typeof rewardReportSchema>;

/** Means over answers at one end of a run. */
const policySummarySchema = z.object({
  reward: z.number(),
  kl: z.number().describe('divergence of an answer from the reference, nats'),
  length: z.number().describe('tokens'),
  ended: z.number().describe('share of answers that ended by themselves'),
  sameLanguage: z.number().describe('share of answers in the language of their prompt'),
  entropy: z.number().describe('of the policy, nats per token'),
});

/** Of PPO, TRPO and GRPO. */
export const policyReportSchema = z.looseObject({
  seconds: z.number(),
  steps: z.int(),
  episodes: z.int(),
  secondsPer1000Episodes: z.number(),
  flops: z.number().describe('floating-point operations, by formula'),
  share: z.object({ generate: z.number(), score: z.number(), learn: z.number() }),
  first: policySummarySchema,
  last: policySummarySchema,
});
export type PolicyReport = z.infer<typeof policyReportSchema>;

export const dpoReportSchema = z.looseObject({
  seconds: z.number(),
  steps: z.int(),
  pairs: z.int(),
  heldOutPairs: z.int(),
  heldOutLoss: z.number().describe('nats per pair; log 2 before learning'),
  accuracy: z.number().describe('share of held-out pairs whose chosen answer gained more than the rejected one'),
});
export type DpoReport = z.infer<typeof dpoReportSchema>;
