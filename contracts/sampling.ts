/** How the next token is drawn. The same schema is the CLI's flags, the API's body and a message's record. */
import { z } from 'zod';

export const samplingSchema = z.object({
  temperature: z
    .number()
    .min(0)
    .max(2)
    .default(0.8)
    .describe('0 takes the most likely token; 1 samples the model as it is'),
  topK: z.int().min(0).default(0).describe('keep the K most likely tokens; 0 keeps all'),
  topP: z.number().gt(0).max(1).default(1).describe('keep the smallest set of tokens whose probabilities sum to P'),
  minP: z.number().min(0).max(1).default(0).describe('drop tokens less likely than P times the most likely one'),
  repetitionPenalty: z
    .number()
    .min(1)
    .max(2)
    .default(1)
    .describe('divide the positive logits of seen tokens by this, multiply the negative ones'),
  maxTokens: z.int().min(1).default(256).describe('longest answer in tokens'),
  stop: z
    .array(z.string().min(1))
    .max(4)
    .default([])
    .describe('end when one of these strings appears; it is not part of the answer'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0)
    .describe('the same seed gives the same answer'),
});
export type Sampling = z.infer<typeof samplingSchema>;

/** What a request may set. Not `samplingSchema.partial()`: that would fill every default in, seed 0 included. */
export const samplingOverridesSchema = z.object({
  temperature: samplingSchema.shape.temperature.unwrap().optional(),
  topK: samplingSchema.shape.topK.unwrap().optional(),
  topP: samplingSchema.shape.topP.unwrap().optional(),
  minP: samplingSchema.shape.minP.unwrap().optional(),
  repetitionPenalty: samplingSchema.shape.repetitionPenalty.unwrap().optional(),
  maxTokens: samplingSchema.shape.maxTokens.unwrap().optional(),
  stop: samplingSchema.shape.stop.unwrap().optional(),
  seed: samplingSchema.shape.seed.unwrap().optional(),
} satisfies Record<keyof Sampling, z.ZodType>);
export type SamplingOverrides = z.infer<typeof samplingOverridesSchema>;

/** 'stop': the model ended its turn or a stop string appeared. 'length': maxTokens or the context ran out. */
export type FinishReason = 'stop' | 'length' | 'cancelled';
