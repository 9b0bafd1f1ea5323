/**
 * The curvature of the divergence around a policy: the Fisher matrix F of its next-token distributions, known by what
 * it does to a vector, over the states of some episodes.
 *
 * With logits z(θ), probabilities p and Jacobian J = ∂z/∂θ, F is the mean over states of
 *
 *     Jᵀ (diag p − p pᵀ) J        (Schraudolph 2002; exact for the softmax, no second derivatives)
 *
 * J v is a directional derivative, taken by central differences of the logits in float32 with a step of a thousandth of
 * the parameters' norm; the rest is one backward pass. It needs precision 'f32': rounding to bf16 has no derivative.
 */
import { backward, embedding, inference, knownGradient, scope, type Tensor } from '@parley/engine';
import { dot } from '../losses/index.ts';
import type { Llama } from '../models/index.ts';
import { type Episode, type EpisodeBatch, layOut, partsOf } from './episodes.ts';
import { answerFlops } from './flops.ts';

const relativeStep = 1e-3;

export class FisherMatrix {
  /** Floating-point operations of everything done with it so far. */
  flops = 0;
  readonly #policy: Llama;
  readonly #parts: EpisodeBatch[];
  /** Of each part, [M, V] log-probabilities of the policy as it was. */
  readonly #logProbabilities: Float32Array[];
  readonly #states: number;
  /** Of one forward pass over the episodes. */
  readonly #forwardFlops: number;

  /** Remembers the policy's distributions as they are now. */
  constructor(policy: Llama, episodes: readonly Episode[], tokens: number) {
    this.#policy = policy;
    this.#forwardFlops = answerFlops(policy, episodes);
    this.#parts = partsOf(episodes, tokens).map((part) => layOut(part.map((index) => episodes[index]!)));
    this.#states = this.#parts.reduce((sum, { states }) => sum + states.length, 0);
    this.#logProbabilities = this.#logits().map((logits) => logSoftmax(logits, policy.config.vocab_size));
  }

  /**
   * F v at the policy's present values, which must be those that it was made with; they are the same bits afterwards.
   * Overwrites the policy's gradients.
   * @param v [number of parameters]
   */
  times(v: Float32Array): Float32Array {
    const { values } = this.#policy.parameters;
    const norm = Math.sqrt(dot(v, v));
    if (norm === 0) return new Float32Array(v.length);
    const step = (relativeStep * Math.sqrt(dot(values, values))) / norm;
    const here = values.slice();
    const logitsAt = (factor: number) => {
      for (let i = 0; i < values.length; i++) values[i] = here[i]! + factor * v[i]!;
      return this.#logits();
    };
    const [above, below] = [logitsAt(step), logitsAt(-step)];
    values.set(here);

    this.#policy.parameters.zeroGradients();
    for (const [index, part] of this.#parts.entries()) {
      const curved = above[index]!;
      for (let i = 0; i < curved.length; i++) curved[i] = (curved[i]! - below[index]![i]!) / (2 * step);
      this.#applyCurvature(curved, this.#logProbabilities[index]!);
      scope(() => backward(knownGradient(0, [logitsOf(this.#policy, part), curved])));
    }
    this.flops += 3 * this.#forwardFlops;
    return this.#policy.parameters.gradients.slice();
  }

  /** Mean over the states of KL(π as it was ‖ π as it is), nats per token, exact. */
  divergence(): number {
    let total = 0;
    for (const [index, logits] of this.#logits().entries()) {
      const [then, now] = [this.#logProbabilities[index]!, logSoftmax(logits, this.#policy.config.vocab_size)];
      for (let i = 0; i < then.length; i++) total += Math.exp(then[i]!) * (then[i]! - now[i]!);
    }
    return total / this.#states;
  }

  /** u ← (diag p − p pᵀ) u / states, row by row. */
  #applyCurvature(u: Float32Array, logProbabilities: Float32Array): void {
    const size = this.#policy.config.vocab_size;
    for (let row = 0; row < u.length; row += size) {
      let mean = 0;
      for (let i = row; i < row + size; i++) mean += Math.exp(logProbabilities[i]!) * u[i]!;
      for (let i = row; i < row + size; i++) u[i] = (Math.exp(logProbabilities[i]!) * (u[i]! - mean)) / this.#states;
    }
  }

  #logits(): Float32Array[] {
    this.flops += this.#forwardFlops;
    return this.#parts.map((part) => inference(() => logitsOf(this.#policy, part).data.slice()));
  }
}

/** [M, V], of the states that the answers' tokens are drawn from. */
function logitsOf(policy: Llama, { ids, layout, states }: EpisodeBatch): Tensor {
  return policy.logits(embedding(states, policy.hidden(ids, layout)));
}

/** Row by row, in place. */
function logSoftmax(logits: Float32Array, size: number): Float32Array {
  for (let row = 0; row < logits.length; row += size) {
    const values = logits.subarray(row, row + size);
    let largest = Number.NEGATIVE_INFINITY;
    for (const value of values) largest = Math.max(largest, value);
    let sum = 0;
    for (const value of values) sum += Math.exp(value - largest);
    const normalizer = largest + Math.log(sum);
    for (let i = 0; i < size; i++) values[i]! -= normalizer;
  }
  return logits;
}
