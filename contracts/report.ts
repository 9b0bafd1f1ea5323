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

export type PretrainReport = z.infer<typeof pretrainReportSchema>;
export type SftReport = z.infer<typeof sftReportSchema>;

/** Of rankings that a loop makes for itself. */
export const rankReportSchema = z.looseObject({
  seconds: z.number(),
  labellers: z.literal('simulated'),
  /** Questions that were answered, and those of them whose answers could be told apart. */
  questions: z.int(),
  rankings: z.int(),
  /** Rankings of Chinese prompts. */
  chinese: z.int(),
  right: z.number().describe('share of the answers that are right'),
  ended: z.number().describe('share of the answers that ended by themselves'),
});
export type RankReport = z.infer<typeof rankReportSchema>;

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

/** How often a model's answers are better than another's, ties counted half, and the 95 % interval of that share. */
const winRateSchema = z.object({ winRate: z.number(), interval: z.tuple([z.number(), z.number()]) });

/** One model of a loop on its report card: everything on what was held out. */
export const cardColumnSchema = z.object({
  /** 'base', 'sft', 'ppo-1', 'ppo-2', … */
  name: z.string(),
  bitsPerByte: z.record(z.string(), z.number()).describe('by language of the text'),
  heldOutLoss: z.number().describe('nats per token of what assistants say in held-out conversations'),
  accuracy: z.number().describe('share of exactly right answers at temperature 0, mean over tasks'),
  tasks: z.record(z.string(), z.number()).describe('that share by task'),
  /** Against the fine-tuned model, as the simulated labeller prefers; null for that model itself. */
  familiar: winRateSchema
    .nullable()
    .describe('both sampled at temperature 1, on questions that fine-tuning has seen and alignment has not'),
  sampled: winRateSchema.nullable().describe('both sampled, on held-out questions in new wordings'),
  greedy: winRateSchema.nullable().describe('the same at temperature 0'),
  quality: z.number().describe("the simulated labeller's mean grade of sampled answers, at most 2"),
  reward: z.number().nullable().describe('mean reward of sampled answers by the last reward model; null without one'),
  kl: z.number().describe('divergence of a sampled answer from the fine-tuned model, nats'),
  length: z.number().describe('tokens of a sampled answer'),
  ended: z.number().describe('share of sampled answers that ended by themselves'),
  sameLanguage: z.number().describe('share of sampled answers in the language of the known answer'),
});
export type CardColumn = z.infer<typeof cardColumnSchema>;

export const loopReportSchema = z.looseObject({
  seconds: z.number(),
  /** Whose copy is in model/: a name on the card. */
  model: z.string(),
  stages: z.looseObject({
    tokenizer: z.looseObject({ seconds: z.number(), vocabulary: z.int() }),
    pretrain: pretrainReportSchema,
    sft: sftReportSchema.extend({ tasks: taskReportSchema }),
    /** One entry per round. */
    reward: z.looseObject({ seconds: z.number(), iterations: z.array(rewardReportSchema) }).optional(),
    ppo: z
      .looseObject({
        seconds: z.number(),
        iterations: z.array(policyReportSchema),
        /** Why there are fewer rounds than asked for. */
        failure: z.string().optional(),
      })
      .optional(),
    card: z.array(cardColumnSchema),
  }),
});
export type LoopReport = z.infer<typeof loopReportSchema>;
