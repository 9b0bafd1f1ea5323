/**
 * Answers drawn from a policy for learning: by the generation engine that serves, many at a time, from the model's
 * whole distribution (temperature 1, nothing cut), so that what is sampled from is what is scored. The
 * log-probabilities are those of the sampling pass.
 */
import { samplingSchema } from '@parley/contracts';
import type { GenerationRequest, Generator } from '../generate/index.ts';
import type { Episode } from './episodes.ts';

export interface Rollout extends Episode {
  /** What the answer reads, without the token that ended it. */
  text: string;
  /** log π of each answer token when it was drawn, nats. */
  logProbabilities: Float32Array;
}

/**
 * One answer per prompt, in the prompts' order.
 * @param options.maxTokens longest answer
 * @param options.seed answer i is drawn with `seed + i`: the same whatever runs beside it
 */
export async function rollOut(
  generator: Generator,
  prompts: readonly (readonly number[])[],
  { maxTokens, seed }: { maxTokens: number; seed: number },
): Promise<Rollout[]> {
  const whole = samplingSchema.parse({ temperature: 1 });
  return Promise.all(
    prompts.map(async (prompt, index): Promise<Rollout> => {
      const sampling = { ...whole, maxTokens, seed: (seed + index) % 2 ** 31 };
      const request: GenerationRequest = { prompt, sampling, logProbabilities: true };
      const { ids, scores, end, text } = await generator.generate(request);
      return {
        prompt,
        answer: end === null ? ids : [...ids, end.id],
        ended: end !== null,
        text,
        logProbabilities: Float32Array.from([...scores, ...(end?.score ? [end.score] : [])], (s) => s.logProbability),
      };
    }),
  );
}
