/** What it costs to write answers, to look at them afterwards and to learn from them, in floating-point operations. */
import { forwardFlops, type Llama } from '../models/index.ts';
import type { Episode } from './episodes.ts';

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/**
 * Of one forward pass over whole episodes.
 * @param outputs places with a number of their own: one per answer token, unless an episode has one score
 */
export function answerFlops(
  model: Llama,
  episodes: readonly Episode[],
  outputs: number = total(episodes.map(({ answer }) => answer.length)),
): number {
  return forwardFlops(model, {
    tokens: total(episodes.map(({ prompt, answer }) => prompt.length + answer.length)),
    outputs,
  });
}

/** Of a forward pass and its gradients: a backward pass has two products for each product forward. */
export const learningFlops = (model: Llama, episodes: readonly Episode[]): number => 3 * answerFlops(model, episodes);

/**
 * Of writing answers with a cache: every token but the last is read once, and every one is drawn from logits.
 * @param reused prompt tokens that the cache held already
 */
export function rolloutFlops(model: Llama, episodes: readonly Episode[], reused: number): number {
  return forwardFlops(model, {
    tokens: total(episodes.map(({ prompt, answer }) => prompt.length + answer.length - 1)) - reused,
    outputs: total(episodes.map(({ answer }) => answer.length)),
  });
}
