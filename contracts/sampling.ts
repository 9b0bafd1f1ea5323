/** How the next token is drawn. The same schema is the CLI's flags, the API's body and a message's record. */
import { z } from 'zod';

export const samplingSchema = z.object({
  temperature: z.number().min(0).max(2).default(0.8).describe('0 takes the most likely token; 1 samples the model as it is'),
  topK: z.int().min(0).default(0).describe('keep the K most likely tokens; 0 keeps all'),
  topP: z.number().gt(0).max(1).default(1).describe('keep the smallest set of tokens whose probabilities sum to P'),
  minP: z.number().min(0).max(1).default(0).describe('drop tokens less likely than P times the most likely one'),
  repetitionPenalty: z.number().min(1).max(2).default(1).describe('divide the positive logits of seen tokens by this, multiply the negative ones'),
  maxTokens: z.int().min(1).default(256).describe('longest answer in tokens'),
  stop: z.array(z.string().min(1)).max(4).default([]).describe('end when one of these strings appears; it is not part of the answer'),
  seed: z.int().min(0).max(2 ** 31 - 1).default(0).describe('the same seed gives the same answer'),
});
export type Sampling = z.infer<typeof samplingSchema>;

/** 'stop': the model ended its turn or a stop string appeared. 'length': maxTokens or the context ran out. */
export type FinishReason = 'stop' | 'length' | 'cancelled';
