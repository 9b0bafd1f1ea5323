/**
 * Draws a token from logits.
 *
 * The order of the operations is Hugging Face's: repetition penalty (Keskar et al. 2019), temperature, top-k, top-p
 * (Holtzman et al. 2020), min-p (Nguyen et al. 2024). Min-p is applied first because it commutes with the others
 * (the most likely token always stays) and leaves them few candidates. The vocabulary is never sorted: both top-k and
 * top-p keep all weights above a cut-off, which is found in linear time (cut-off.ts).
 */
import type { Sampling } from '@parley/contracts';
import type { Random } from '@parley/engine';
import { type CutOff, findCutOff } from './cut-off.ts';
import { exponential } from './exponential.ts';

/** How likely the model itself (temperature 1, nothing cut) found a token, in nats. */
export interface TokenScore {
  id: number;
  logProbability: number;
  /** The most likely tokens, best first, as many as were asked for. */
  alternatives: { id: number; logProbability: number }[];
}

export type SamplerSettings = Pick<Sampling, 'temperature' | 'topK' | 'topP' | 'minP' | 'repetitionPenalty'>;

/** Holds the scratch memory for one vocabulary size; requests of one thread share it. */
export class Sampler {
  readonly vocabulary: number;
  readonly #penalised: Float32Array;
  readonly #ids: Int32Array;
  readonly #weights: Float64Array;
  readonly #scratch: Float64Array;

  constructor(vocabulary: number) {
    this.vocabulary = vocabulary;
    this.#penalised = new Float32Array(vocabulary);
    this.#ids = new Int32Array(vocabulary);
    this.#weights = new Float64Array(vocabulary);
    this.#scratch = new Float64Array(vocabulary);
  }

  /**
   * @param logits one per token id; not changed
   * @param seen ids in the prompt and the answer so far, for the repetition penalty
   * @returns the drawn id; the most likely one, the lowest of equals, at temperature 0
   * @throws RangeError when the logits are not finite
   */
  sample(logits: Float32Array, settings: SamplerSettings, random: Random, seen: Iterable<number>): number {
    const values = settings.repetitionPenalty === 1 ? logits : this.#penalise(logits, settings.repetitionPenalty, seen);
    const best = argmax(values);
    if (!Number.isFinite(values[best])) {
      throw new RangeError(
        `The model's logits are not finite (largest: ${values[best]}); its weights are damaged or it diverged in training.`,
      );
    }
    if (settings.temperature === 0) return best;

    let count = this.#collect(values, values[best]!, settings);
    if (settings.topK > 0 && settings.topK < count) count = this.#keepTopK(count, settings.topK);
    if (settings.topP < 1) count = this.#keepTopP(count, settings.topP);
    return this.#draw(count, random);
  }

  #penalise(logits: Float32Array, penalty: number, seen: Iterable<number>): Float32Array {
    const values = this.#penalised;
    values.set(logits);
    for (const id of seen) {
      const value = logits[id];
      if (value !== undefined) values[id] = value > 0 ? value / penalty : value * penalty;
    }
    return values;
  }

  /** Candidates in the order of their ids, with weights relative to the most likely token. */
  #collect(values: Float32Array, largest: number, { temperature, minP }: SamplerSettings): number {
    const [ids, weights] = [this.#ids, this.#weights];
    const floor = minP > 0 ? largest + temperature * Math.log(minP) : Number.NEGATIVE_INFINITY;
    const sharpness = 1 / temperature;
    let count = 0;
    for (let id = 0; id < values.length; id++) {
      const value = values[id]!;
      if (value < floor) continue;
      ids[count] = id;
      weights[count++] = exponential((value - largest) * sharpness);
    }
    return count;
  }

  #keepTopK(count: number, k: number): number {
    this.#scratch.set(this.#weights.subarray(0, count));
    return this.#keep(count, findCutOff(this.#scratch.subarray(0, count), k, 'count'));
  }

  #keepTopP(count: number, share: number): number {
    const [weights, scratch] = [this.#weights, this.#scratch];
    // What lies below this floor sums to less than 1 - share, so the set lies above it: usually few are left to search.
    const total = sumOf(weights, count);
    const floor = ((1 - share) * total) / count;
    let searched = 0;
    for (let i = 0; i < count; i++) if (weights[i]! >= floor) scratch[searched++] = weights[i]!;
    return this.#keep(count, findCutOff(scratch.subarray(0, searched), share * total, 'sum'));
  }

  /** Closes up the candidates above the cut-off, in the order of their ids; of equals at the edge, the lower ids stay. */
  #keep(count: number, { weight: edge, ties }: CutOff): number {
    const [ids, weights] = [this.#ids, this.#weights];
    let equals = ties;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const weight = weights[i]!;
      if (weight < edge || (weight === edge && equals-- <= 0)) continue;
      ids[kept] = ids[i]!;
      weights[kept++] = weight;
    }
    return kept;
  }

  #draw(count: number, random: Random): number {
    const weights = this.#weights;
    let left = random.next() * sumOf(weights, count);
    for (let i = 0; i < count; i++) {
      left -= weights[i]!;
      if (left < 0) return this.#ids[i]!;
    }
    // Rounding may leave a last sliver of the interval uncovered.
    return this.#ids[count - 1]!;
  }
}

/** The model's own log-probability of `id`, and its `alternatives` most likely tokens. */
export function scoreToken(logits: Float32Array, id: number, alternatives: number): TokenScore {
  const largest = logits[argmax(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += exponential(logits[i]! - largest);
  const normalizer = largest + Math.log(sum);

  const best: number[] = [];
  let entry = alternatives > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i]!;
    if (logit <= entry) continue;
    const place = best.findIndex((other) => logit > logits[other]!);
    best.splice(place < 0 ? best.length : place, 0, i);
    if (best.length > alternatives) best.pop();
    if (best.length === alternatives) entry = logits[best.at(-1)!]!;
  }
  return {
    id,
    logProbability: logits[id]! - normalizer,
    alternatives: best.map((other) => ({ id: other, logProbability: logits[other]! - normalizer })),
  };
}

function sumOf(values: Float64Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]!;
  return sum;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
