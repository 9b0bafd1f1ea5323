/** What a model makes of a text that is there already: how likely it finds each token, and where it puts the whole. */
import { inference, tensor } from '@parley/engine';
import type { Llama } from '../models/index.ts';
import { ContextLengthError } from './context-length-error.ts';

/** How likely the model itself (temperature 1, nothing cut) found a token, in nats. */
export interface TokenScore {
  id: number;
  logProbability: number;
  /** The most likely tokens, best first, as many as were asked for. */
  alternatives: { id: number; logProbability: number }[];
}

/** Logits of so many rows are held at once: a whole context of them would be larger than the model. */
const rowsAtOnce = 64;

/**
 * Scores every token of a text after those before it. The first has nothing before it and no score.
 * @param ids at least one, at most the model's context
 * @param options.alternatives how many of the most likely tokens to name for each place
 * @param options.vocabulary ids from here on are never named: rows of the embedding that no token has
 * @returns one score per token from the second on
 * @throws ContextLengthError
 */
export function scoreText(
  model: Llama,
  ids: readonly number[],
  { alternatives, vocabulary }: { alternatives: number; vocabulary: number },
): TokenScore[] {
  const { hidden, width } = hiddenStates(model, ids);
  const scores: TokenScore[] = [];
  for (let start = 0; start < ids.length - 1; start += rowsAtOnce) {
    const end = Math.min(start + rowsAtOnce, ids.length - 1);
    inference(() => {
      const rows = tensor(hidden.slice(start * width, end * width), [end - start, width]);
      const logits = model.logits(rows);
      const stride = logits.shape[1]!;
      for (let row = start; row < end; row++) {
        const own = logits.data.subarray((row - start) * stride, (row - start) * stride + vocabulary);
        scores.push(scoreToken(own, ids[row + 1]!, alternatives));
      }
    });
  }
  return scores;
}

/**
 * A text as a point on the unit sphere: the mean of its tokens' last hidden states, divided by its length.
 * @returns [hidden_size]
 * @throws ContextLengthError
 */
export function embedText(model: Llama, ids: readonly number[]): Float32Array {
  const { hidden, width } = hiddenStates(model, ids);
  const mean = new Float64Array(width);
  for (let index = 0; index < hidden.length; index++) mean[index % width]! += hidden[index]!;
  const length = Math.hypot(...mean);
  return Float32Array.from(mean, (value) => value / (length || 1));
}

/** The score of a token under logits [vocabulary]. */
export function scoreToken(logits: Float32Array, id: number, alternatives: number): TokenScore {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  const normalizer = largest + Math.log(sum);
  const best: number[] = [];
  for (let other = 0; other < logits.length && alternatives > 0; other++) {
    if (best.length === alternatives && !(logits[other]! > logits[best.at(-1)!]!)) continue;
    let place = best.length;
    while (place > 0 && logits[other]! > logits[best[place - 1]!]!) place--;
    best.splice(place, 0, other);
    if (best.length > alternatives) best.pop();
  }
  return {
    id,
    logProbability: logits[id]! - normalizer,
    alternatives: best.map((one) => ({ id: one, logProbability: logits[one]! - normalizer })),
  };
}

/** Hidden states [tokens, width], outside the engine's arena. */
function hiddenStates(model: Llama, ids: readonly number[]): { hidden: Float32Array; width: number } {
  const { max_position_embeddings: context, hidden_size: width } = model.config;
  if (ids.length > context) throw new ContextLengthError(context, ids.length, 'the text');
  const layout = { batch: 1, length: ids.length };
  return { hidden: inference(() => model.hidden(Int32Array.from(ids), layout).data.slice()), width };
}
