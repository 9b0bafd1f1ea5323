/**
 * Every recipe's configuration: one zod schema per recipe gives the TypeScript type, the CLI flags with
 * their help, and later the form in the Lab. A preset is a plain partial object that overrides defaults.
 */
import { z } from 'zod';

const seed = z.int().min(0).default(1).describe('random seed; the same seed gives the same bits');
const out = z.string().describe('run directory to write; an unfinished run in it is resumed');
const precision = z.enum(['bf16', 'f32']).default('bf16').describe('precision inside matrix products');
const threads = z.int().min(0).default(0).describe('compute threads; 0 takes one per core');

/** Settings that every recipe shares. */
export const runSettings = { seed, out, precision, threads };

export const tokenizerRecipeSchema = z.object({
  data: z.string().describe('a text file, or a data folder written by `parley data build`'),
  vocabulary: z.int().min(263).max(1_000_000).default(8192).describe('number of token ids, special tokens included'),
  out: z.string().describe('folder to write tokenizer.json into'),
});
export type TokenizerRecipe = z.infer<typeof tokenizerRecipeSchema>;

export const optimizerSchema = z.object({
  learningRate: z.number().positive().default(1e-3).describe('peak learning rate of AdamW'),
  schedule: z
    .enum(['cosine', 'wsd', 'linear'])
    .default('cosine')
    .describe('after warm-up: cosine or linear to the floor, or stable then decay (wsd)'),
  warmup: z.int().min(0).default(100).describe('steps of linear warm-up'),
  floor: z.number().min(0).max(1).default(0.1).describe('final learning rate as a share of the peak'),
  decayShare: z.number().min(0).max(1).default(0.3).describe('wsd: share of the steps spent decaying'),
  beta1: z.number().min(0).lt(1).default(0.9).describe('AdamW: decay of the first moment'),
  beta2: z.number().min(0).lt(1).default(0.95).describe('AdamW: decay of the second moment'),
  weightDecay: z.number().min(0).default(0.1).describe('AdamW: decoupled weight decay of matrices'),
  clip: z.number().min(0).default(1).describe('global gradient norm; 0 does not clip'),
});

/** Zero means: derived from depth (lm/models/derive.ts prints how). */
export const architectureSchema = z.object({
  depth: z
    .int()
    .min(1)
    .max(48)
    .default(6)
    .describe('layers; width, heads, learning rate, batch and tokens follow from it'),
  width: z.int().min(0).default(0).describe('residual width; 0 derives it from depth'),
  heads: z.int().min(0).default(0).describe('query heads; 0 derives them from width'),
  keyValueHeads: z.int().min(0).default(0).describe('key/value heads; 0 derives them from the query heads'),
  intermediate: z.int().min(0).default(0).describe('SwiGLU width; 0 derives it from width'),
  context: z.int().min(8).default(256).describe('context length in tokens'),
});

export const pretrainRecipeSchema = z.object({
  data: z.string().describe('a data folder written by `parley data build`, or a text file'),
  tokenizer: z
    .string()
    .default('')
    .describe("folder with tokenizer.json; 'characters' makes one token per character; empty uses the data folder's"),
  out,
  ...architectureSchema.shape,
  ...optimizerSchema.shape,
  learningRate: z.number().min(0).default(0).describe('peak learning rate of AdamW; 0 derives it from the size'),
  batch: z.int().min(0).default(0).describe('sequences per optimizer step; 0 derives it from the size'),
  accumulate: z.int().min(1).default(1).describe('micro-batches per optimizer step; divides batch'),
  activationCheckpointing: z
    .boolean()
    .default(false)
    .describe('keep only the input of each block and compute the rest again: less memory, slower, the same bits'),
  steps: z.int().min(0).default(0).describe('optimizer steps; 0 derives them from the size'),
  evaluateEvery: z.int().min(1).default(250).describe('steps between validation losses'),
  evaluateBatches: z
    .int()
    .min(0)
    .default(20)
    .describe(
      'batches per validation loss during the run; 0 takes the whole part. The final one always takes the whole part',
    ),
  checkpointEvery: z.int().min(1).default(250).describe('steps between checkpoints'),
  precision,
  threads,
  seed,
});
export type PretrainRecipe = z.infer<typeof pretrainRecipeSchema>;

export const sftRecipeSchema = z.object({
  model: z.string().describe('model folder to start from'),
  data: z.string().describe('a data folder with demonstrations, or a .jsonl file of conversations'),
  out,
  ...optimizerSchema.shape,
  learningRate: z.number().positive().default(3e-4).describe('peak learning rate of AdamW'),
  warmup: z.int().min(0).default(30).describe('steps of linear warm-up'),
  schedule: z.enum(['cosine', 'wsd', 'linear']).default('linear').describe('learning-rate schedule after warm-up'),
  floor: z.number().min(0).max(1).default(0).describe('final learning rate as a share of the peak'),
  weightDecay: z.number().min(0).default(0).describe('AdamW: decoupled weight decay of matrices'),
  batch: z.int().min(1).default(16).describe('packed sequences per optimizer step'),
  accumulate: z.int().min(1).default(1).describe('micro-batches per optimizer step; divides batch'),
  activationCheckpointing: z
    .boolean()
    .default(false)
    .describe('keep only the input of each block and compute the rest again: less memory, slower, the same bits'),
  epochs: z.number().positive().default(2).describe('passes over the demonstrations'),
  checkpointEvery: z.int().min(1).default(200).describe('steps between checkpoints'),
  evaluateEvery: z.int().min(1).default(200).describe('steps between held-out losses'),
  weights: z.enum(['f32', 'bf16']).default('f32').describe('how the model is stored; bf16 halves the file'),
  precision,
  threads,
  seed,
});
export type SftRecipe = z.infer<typeof sftRecipeSchema>;

export const evaluateRecipeSchema = z.object({
  model: z.string().describe('model folder'),
  data: z.string().describe('a data folder written by `parley data build`'),
  base: z.string().default('').describe('a second model folder to set beside it, e.g. the one before fine-tuning'),
  out,
  items: z.int().min(1).default(100).describe('most held-out items per task'),
  precision,
  threads,
  seed,
});
export type EvaluateRecipe = z.infer<typeof evaluateRecipeSchema>;

export const loopRecipeSchema = z.object({
  preset: z.string().default('quick').describe('which loop to run'),
  out,
  data: z.string().default('').describe('an existing data folder; empty fetches and builds the preset’s'),
  preferences: z
    .string()
    .default('')
    .describe('what people preferred, a .jsonl file or a snapshot; joins the rankings of the simulated labellers'),
  threads,
  seed,
});
export type LoopRecipe = z.infer<typeof loopRecipeSchema>;
