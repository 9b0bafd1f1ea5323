/** One line of `metrics.jsonl`: what the progress line, the report's curves and later the Lab show. */
import { z } from 'zod';

export const metricSchema = z.looseObject({
  /** Optimizer steps done, from 1. */
  step: z.int(),
  stage: z.string(),
  /** Mean training loss since the last line, nats per token. */
  loss: z.number().optional(),
  /** Loss over the validation part, nats per token. */
  validationLoss: z.number().optional(),
  learningRate: z.number().optional(),
  gradientNorm: z.number().optional(),
  tokens: z.int().optional().describe('training tokens seen so far'),
  tokensPerSecond: z.number().optional(),
  seconds: z.number().describe('training time so far, earlier attempts included'),
});
export type Metric = z.infer<typeof metricSchema>;
