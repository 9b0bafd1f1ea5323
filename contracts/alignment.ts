/** Configurations of the recipes that learn from preferences: reward, PPO and its relatives. */
import { z } from 'zod';
import { optimizerSchema, runSettings } from './recipes.ts';

const { out, precision, threads, seed } = runSettings;

const tokens = z
  .int()
  .min(1)
  .default(8192)
  .describe('token places computed at once; bounds memory and never changes the result beyond rounding');
const checkpointEvery = z.int().min(1).default(50).describe('steps between checkpoints');
const preferences = z
  .string()
  .describe('a .jsonl file of rankings, pairs or thumbs, or a snapshot written by `parley data snapshot`');

export const rewardRecipeSchema = z.object({
  model: z.string().describe('fine-tuned model folder to start from'),
  preferences,
  demonstrations: z
    .string()
    .default('')
    .describe('conversations (.jsonl or data folder) whose mean reward becomes 0; empty takes the best answers'),
  out,
  ...optimizerSchema.shape,
  learningRate: z.number().positive().default(1e-4).describe('peak learning rate of AdamW'),
  warmup: z.int().min(0).default(10).describe('steps of linear warm-up'),
  weightDecay: z.number().min(0).default(0).describe('AdamW: decoupled weight decay of matrices'),
  batch: z.int().min(1).default(16).describe('prompts per optimizer step, with all pairs of their answers'),
  epochs: z.number().positive().default(1).describe('passes over the preferences; more than one overfits'),
  heldOut: z.number().min(0).lt(1).default(0.1).describe('share of the prompts that is measured on, not learned'),
  tokens,
  checkpointEvery,
  precision,
  threads,
  seed,
});
export type RewardRecipe = z.infer<typeof rewardRecipeSchema>;

/** What every recipe that learns from its own answers has. */
const rolloutShape = {
  model: z.string().describe('model folder to improve, usually the fine-tuned one'),
  reference: z
    .string()
    .default('')
    .describe('model folder that the policy is kept near; empty takes the model that it starts from'),
  rewardModel: z.string().default('').describe('reward model folder written by `parley reward`'),
  reward: z
    .string()
    .default('')
    .describe('instead: a .ts or .js file whose default export takes (prompt, answer) and gives a number'),
  prompts: z.string().describe('.jsonl file of prompts; demonstrations serve, without their last answer'),
  out,
  steps: z.int().min(1).default(100).describe('batches of fresh answers'),
  batch: z.int().min(1).default(64).describe('answers per batch'),
  maxTokens: z.int().min(1).default(64).describe('longest answer in tokens'),
  noEndScore: z.number().default(-1).describe('score of an answer that does not end by itself, in place of its reward'),
  klLimit: z
    .number()
    .positive()
    .default(50)
    .describe('stop when the mean divergence of an answer from the reference exceeds this, in nats'),
  dump: z
    .boolean()
    .default(false)
    .describe('write every batch to episodes/: tokens, log-probabilities, rewards, advantages'),
  tokens,
  checkpointEvery: z.int().min(1).default(10).describe('batches between checkpoints'),
  precision,
  threads,
  seed,
};

const policyOptimizerShape = {
  ...optimizerSchema.shape,
  learningRate: z.number().positive().default(3e-5).describe('peak learning rate of AdamW'),
  schedule: z.enum(['cosine', 'wsd', 'linear']).default('linear').describe('learning-rate schedule after warm-up'),
  warmup: z.int().min(0).default(5).describe('batches of linear warm-up'),
  floor: z.number().min(0).max(1).default(0).describe('final learning rate as a share of the peak'),
  weightDecay: z.number().min(0).default(0).describe('AdamW: decoupled weight decay of matrices'),
};
const beta = z
  .number()
  .min(0)
  .default(0.05)
  .describe('price of a nat of divergence from the reference, in units of reward');
const clipRatio = z.number().positive().default(0.2).describe('how far a probability ratio may move from 1');
const advantageShape = {
  gamma: z.number().min(0).max(1).default(1).describe('discount per token'),
  lambda: z.number().min(0).max(1).default(0.95).describe('generalised advantage estimation: 0 trusts the critic'),
};

export const ppoRecipeSchema = z.object({
  ...rolloutShape,
  ...policyOptimizerShape,
  ...advantageShape,
  beta,
  klTarget: z
    .number()
    .min(0)
    .default(0)
    .describe('adapt beta so that an answer diverges by about this many nats; 0 keeps beta fixed'),
  epochs: z.int().min(1).default(2).describe('passes over each batch'),
  minibatches: z.int().min(1).default(4).describe('optimizer steps per pass; divides batch'),
  clipRatio,
  clipValue: z.number().positive().default(0.2).describe('how far the critic may move from what it said'),
  valueRate: z.number().positive().default(1e-4).describe("the critic's peak learning rate"),
  earlyStop: z
    .number()
    .positive()
    .default(0.05)
    .describe('end the passes over a batch when the policy has diverged this much per token from its writer'),
  pretraining: z.string().default('').describe('PPO-ptx: data folder whose text is mixed in; empty mixes none in'),
  pretrainingWeight: z.number().min(0).default(1).describe("PPO-ptx: weight of the text's loss"),
});
export type PpoRecipe = z.infer<typeof ppoRecipeSchema>;

export const trpoRecipeSchema = z.object({
  ...rolloutShape,
  precision: precision.unwrap().default('f32'),
  ...advantageShape,
  beta,
  trustRegion: z.number().positive().default(0.01).describe('most mean divergence per token of one step, in nats'),
  damping: z.number().min(0).default(0.1).describe('added to the diagonal of the Fisher matrix'),
  iterations: z.int().min(1).default(10).describe('of conjugate gradient'),
  backtracks: z.int().min(0).default(10).describe('halvings of a step before it is given up'),
  fisherShare: z
    .number()
    .gt(0)
    .max(1)
    .default(0.2)
    .describe('share of the answers that the Fisher matrix is taken over'),
  valueRate: z.number().positive().default(3e-4).describe("the critic's learning rate"),
  valueEpochs: z.int().min(1).default(4).describe("the critic's passes over each batch"),
});
export type TrpoRecipe = z.infer<typeof trpoRecipeSchema>;

export const grpoRecipeSchema = z.object({
  ...rolloutShape,
  ...policyOptimizerShape,
  beta,
  group: z.int().min(2).default(8).describe('answers per prompt, compared with each other; divides batch'),
  epochs: z.int().min(1).default(1).describe('passes over each batch'),
  minibatches: z.int().min(1).default(2).describe('optimizer steps per pass; divides batch'),
  clipRatio,
});
export type GrpoRecipe = z.infer<typeof grpoRecipeSchema>;

export const dpoRecipeSchema = z.object({
  model: z.string().describe('fine-tuned model folder to start from; also the reference'),
  preferences,
  out,
  ...policyOptimizerShape,
  beta: z.number().positive().default(0.1).describe('how closely the policy is held to the reference'),
  batch: z.int().min(1).default(16).describe('pairs per optimizer step'),
  epochs: z.number().positive().default(1).describe('passes over the pairs'),
  heldOut: z.number().min(0).lt(1).default(0.1).describe('share of the prompts that is measured on, not learned'),
  tokens,
  checkpointEvery,
  precision,
  threads,
  seed,
});
export type DpoRecipe = z.infer<typeof dpoRecipeSchema>;

export const studyRecipeSchema = z.object({
  out: z.string().describe('folder for the report; what is finished in it is not done again'),
  seeds: z.int().min(1).default(3).describe('repetitions with different random numbers, where a study has them'),
  threads,
  seed,
});
export type StudyRecipe = z.infer<typeof studyRecipeSchema>;
