import { z } from 'zod';

/** How numbers are stored while generating; `parley bench quality` measures what the smaller ones cost. */
export const formatsSchema = z.object({
  weights: z
    .enum(['bf16', 'int8'])
    .default('int8')
    .describe('how weights are stored: int8 is up to twice as fast as bf16, with nearly the same quality'),
  cache: z
    .enum(['bf16', 'int8'])
    .default('bf16')
    .describe('how keys and values are stored: int8 takes half the memory of bf16'),
});
