/**
 * Generalised advantage estimation (Schulman et al. 2016, equations 11 to 16) over one answer, and whitening.
 *
 * An answer is an episode that ends: the value after its last token is 0. With δ_t = r_t + γ V_{t+1} − V_t,
 *
 *     A_t = δ_t + γλ A_{t+1}  =  Σ_{l ≥ 0} (γλ)^l δ_{t+l}        return_t = A_t + V_t
 *
 * Returns are what the critic learns; they are taken before advantages are whitened.
 */
export interface Discounting {
  /** γ in 0..1; 1 for answers, whose reward comes at the end. */
  gamma: number;
  /** λ in 0..1: 0 trusts the critic, 1 the sampled rewards. */
  lambda: number;
}

/**
 * @param rewards [T] per token
 * @param values [T], the critic's estimate before each token
 * @returns advantages [T] and returns [T]
 */
export function estimateAdvantages(
  rewards: Float32Array,
  values: Float32Array,
  { gamma, lambda }: Discounting,
): { advantages: Float32Array; returns: Float32Array } {
  const length = rewards.length;
  const advantages = new Float32Array(length);
  const returns = new Float32Array(length);
  let next = 0;
  for (let t = length - 1; t >= 0; t--) {
    const delta = rewards[t]! + gamma * (values[t + 1] ?? 0) - values[t]!;
    next = delta + gamma * lambda * next;
    advantages[t] = next;
    returns[t] = next + values[t]!;
  }
  return { advantages, returns };
}

/** To mean 0 and variance 1 (of the population), in place, over all the parts together. */
export function whiten(parts: readonly Float32Array[]): void {
  const count = parts.reduce((sum, part) => sum + part.length, 0);
  if (count === 0) return;
  let mean = 0;
  for (const part of parts) for (const value of part) mean += value / count;
  let variance = 0;
  for (const part of parts) for (const value of part) variance += (value - mean) ** 2 / count;
  const factor = 1 / Math.sqrt(variance + 1e-8);
  for (const part of parts) for (let i = 0; i < part.length; i++) part[i] = (part[i]! - mean) * factor;
}
