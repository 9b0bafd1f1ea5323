/** The person's wishes for the next answers; what they have not touched is left to the server. */
import { type Sampling, samplingSchema } from '@parley/contracts';
import { storedValue } from '../ui/stored-value.ts';

export type SamplingWishes = Partial<Pick<Sampling, 'temperature' | 'topP' | 'maxTokens'>>;

const wishesSchema = samplingSchema.pick({ temperature: true, topP: true, maxTokens: true });

export const samplingDefaults = wishesSchema.parse({});

export const samplingWishes = storedValue<SamplingWishes>('parley.sampling', (stored) => {
  const wishes = stored as Record<string, unknown> | undefined;
  const touched: SamplingWishes = {};
  for (const key of ['temperature', 'topP', 'maxTokens'] as const) {
    const field = wishesSchema.shape[key].safeParse(wishes?.[key]);
    if (wishes?.[key] !== undefined && field.success) touched[key] = field.data;
  }
  return touched;
});
