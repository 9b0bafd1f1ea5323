/**
 * The losses of policy optimisation, in closed form with their gradients over per-token log-probabilities and values.
 * Sums run over tokens and are divided by a `normalizer`, the number of tokens of the whole batch, so that a batch may
 * be taken in parts of any size.
 */

/** A loss over some tokens, with its derivative for each of them. */
export interface TokenLoss {
  loss: number;
  gradient: Float32Array;
}

/** Beyond this a ratio says nothing but that the policy has gone astray, and its exponential overflows. */
const farthest = 20;

/** π(token) / π_old(token). */
export const ratioOf = (logProbability: number, old: number): number =>
  Math.exp(Math.max(-farthest, Math.min(farthest, logProbability - old)));

export interface PolicyLoss extends TokenLoss {
  /** Tokens whose ratio was clipped against the direction of improvement: they have no gradient. */
  clipped: number;
  /** Sum over tokens of (ratio − 1) − log ratio, an estimate of KL(π_old ‖ π) that is never negative. */
  divergence: number;
}

/**
 * PPO's clipped surrogate (Schulman et al. 2017, equation 7), as a loss:
 * Σ max(−A ρ, −A clip(ρ, 1 − ε, 1 + ε)) / normalizer, where ρ = π / π_old.
 *
 * @param logProbabilities [T] of the policy as it is
 * @param old [T] of the policy that wrote the tokens
 * @param advantages [T]
 * @param options.clip ε, at least 0; Infinity does not clip
 */
export function clippedPolicyLoss(
  logProbabilities: Float32Array,
  old: Float32Array,
  advantages: Float32Array,
  { clip, normalizer }: { clip: number; normalizer: number },
): PolicyLoss {
  const gradient = new Float32Array(logProbabilities.length);
  let [loss, clipped, divergence] = [0, 0, 0];
  for (let t = 0; t < logProbabilities.length; t++) {
    const ratio = ratioOf(logProbabilities[t]!, old[t]!);
    const advantage = advantages[t]!;
    const bounded = Math.max(1 - clip, Math.min(1 + clip, ratio));
    const [free, held] = [-advantage * ratio, -advantage * bounded];
    if (held > free) clipped++;
    else gradient[t] = free / normalizer; // d ρ / d log π = ρ
    loss += Math.max(free, held) / normalizer;
    divergence += ratio - 1 - (logProbabilities[t]! - old[t]!);
  }
  return { loss, gradient, clipped, divergence };
}

/**
 * The critic's loss, held near what it said before (as in the PPO of Ziegler et al. 2019):
 * ½ Σ max((V − R)², (clip(V, V_old ± ε) − R)²) / normalizer.
 */
export function clippedValueLoss(
  values: Float32Array,
  old: Float32Array,
  returns: Float32Array,
  { clip, normalizer }: { clip: number; normalizer: number },
): TokenLoss {
  const gradient = new Float32Array(values.length);
  let loss = 0;
  for (let t = 0; t < values.length; t++) {
    const error = values[t]! - returns[t]!;
    const bounded = Math.max(old[t]! - clip, Math.min(old[t]! + clip, values[t]!)) - returns[t]!;
    if (error ** 2 >= bounded ** 2) gradient[t] = error / normalizer;
    loss += (0.5 * Math.max(error ** 2, bounded ** 2)) / normalizer;
  }
  return { loss, gradient };
}

/**
 * GRPO's penalty, Σ KL(π ‖ π_ref) / normalizer, estimated per token without bias and never negative as
 * e^(−k) − 1 + k with k = log π − log π_ref (Shao et al. 2024, equation 4; Schulman's "k3"); the gradient is that of
 * the estimate.
 */
export function divergencePenalty(
  logProbabilities: Float32Array,
  reference: Float32Array,
  normalizer: number,
): TokenLoss {
  const gradient = new Float32Array(logProbabilities.length);
  let loss = 0;
  for (let t = 0; t < logProbabilities.length; t++) {
    const inverse = ratioOf(reference[t]!, logProbabilities[t]!);
    loss += (inverse - 1 + logProbabilities[t]! - reference[t]!) / normalizer;
    gradient[t] = (1 - inverse) / normalizer;
  }
  return { loss, gradient };
}
