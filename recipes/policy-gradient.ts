/** Gradients of policies and critics over a batch of answers, in parts that fit into memory. */
import { backward, knownGradient, scope } from '@parley/engine';
import {
  answerFlops,
  answerLogProbabilities,
  answerValues,
  layOut,
  learningFlops,
  measureTokens,
  partsOf,
} from '@parley/lm/episodes';
import {
  clippedPolicyLoss,
  clippedValueLoss,
  type Discounting,
  divergencePenalty,
  estimateAdvantages,
  whiten,
} from '@parley/lm/losses';
import type { Llama } from '@parley/lm/models';
import type { Batch } from './policy-run.ts';

/** −β (log π − log π_ref) at every token, and the answer's score at its last. */
export function tokenRewards({ rollouts, scores, reference }: Batch, beta: number): Float32Array[] {
  return rollouts.map(({ logProbabilities }, index) => {
    const rewards = logProbabilities.map((value, t) => -beta * (value - reference[index]![t]!));
    rewards[rewards.length - 1]! += scores[index]!;
    return rewards;
  });
}

/** What a critic makes of a batch. Arrays per answer hold one number per token. */
export interface Estimates {
  rewards: Float32Array[];
  values: Float32Array[];
  returns: Float32Array[];
  /** As estimated, and whitened over the batch. */
  advantages: Float32Array[];
  whitened: Float32Array[];
  /** 1 − Var(return − value) / Var(return): 1 for a critic that knows what comes, 0 for one that knows the mean. */
  explained: number;
  flops: number;
}

/** What each token earned, and how much better that is than the critic expected. */
export function estimate(
  critic: Llama,
  batch: Batch,
  { beta, tokens, ...discounting }: Discounting & { beta: number; tokens: number },
): Estimates {
  const rewards = tokenRewards(batch, beta);
  const values = measureTokens(critic, batch.rollouts, answerValues, tokens);
  const found = rewards.map((reward, index) => estimateAdvantages(reward, values[index]!, discounting));
  const returns = found.map((each) => each.returns);
  const advantages = found.map((each) => each.advantages);
  const whitened = advantages.map((each) => each.slice());
  whiten(whitened);
  const flops = answerFlops(critic, batch.rollouts);
  return { rewards, values, returns, advantages, whitened, explained: explainedVariance(values, returns), flops };
}

export interface PolicyGradient {
  loss: number;
  /** Sums over the tokens: of those that were clipped, of divergences from their writer, of the policy's entropies. */
  clipped: number;
  divergence: number;
  entropy: number;
  flops: number;
}

/**
 * Sets the policy's gradients to those of the clipped surrogate over some answers of a batch, and of the divergence
 * from the reference if that is part of the loss (GRPO) and not of the rewards (PPO).
 * @param members which answers of the batch
 * @param normalizer tokens that the loss is a mean over
 */
export function policyGradient(
  policy: Llama,
  { rollouts, reference }: Batch,
  advantages: readonly Float32Array[],
  members: readonly number[],
  { clipRatio: clip, tokens, penalty = 0 }: { clipRatio: number; tokens: number; penalty?: number },
  normalizer: number,
): PolicyGradient {
  const episodes = members.map((index) => rollouts[index]!);
  const total = { loss: 0, clipped: 0, divergence: 0, entropy: 0, flops: learningFlops(policy, episodes) };
  policy.parameters.zeroGradients();
  for (const part of partsOf(episodes, tokens)) {
    scope(() => {
      const laidOut = layOut(part.map((which) => episodes[which]!));
      const entropies = new Float32Array(laidOut.next.length);
      const now = answerLogProbabilities(policy, laidOut, entropies);
      const { loss, gradient, clipped, divergence } = clippedPolicyLoss(
        now.data,
        joined(part.map((which) => episodes[which]!.logProbabilities)),
        joined(part.map((which) => advantages[members[which]!]!)),
        { clip, normalizer },
      );
      const joint = { loss, gradient };
      if (penalty > 0) {
        const apart = divergencePenalty(now.data, joined(part.map((which) => reference[members[which]!]!)), normalizer);
        joint.loss += penalty * apart.loss;
        joint.gradient = gradient.map((value, t) => value + penalty * apart.gradient[t]!);
      }
      backward(knownGradient(joint.loss, [now, joint.gradient]));
      total.loss += joint.loss;
      total.clipped += clipped;
      total.divergence += divergence;
      total.entropy += entropies.reduce((sum, entropy) => sum + entropy, 0);
    });
  }
  return total;
}

/** Sets the critic's gradients to those of its clipped loss over some answers of a batch. */
export function valueGradient(
  critic: Llama,
  { rollouts }: Batch,
  { values, returns }: Pick<Estimates, 'values' | 'returns'>,
  members: readonly number[],
  { clipValue: clip, tokens }: { clipValue: number; tokens: number },
  normalizer: number,
): { loss: number; flops: number } {
  const episodes = members.map((index) => rollouts[index]!);
  const total = { loss: 0, flops: learningFlops(critic, episodes) };
  critic.parameters.zeroGradients();
  for (const part of partsOf(episodes, tokens)) {
    scope(() => {
      const now = answerValues(critic, layOut(part.map((which) => episodes[which]!)));
      const of = (arrays: readonly Float32Array[]) => joined(part.map((which) => arrays[members[which]!]!));
      const { loss, gradient } = clippedValueLoss(now.data, of(values), of(returns), { clip, normalizer });
      backward(knownGradient(loss, [now, gradient]));
      total.loss += loss;
    });
  }
  return total;
}

/** 1 − Var(R − V) / Var(R). */
function explainedVariance(values: readonly Float32Array[], returns: readonly Float32Array[]): number {
  const [v, r] = [joined(values), joined(returns)];
  const variance = (numbers: Float32Array) => {
    const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    return numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length;
  };
  const total = variance(r);
  return total > 0 ? 1 - variance(r.map((value, index) => value - v[index]!)) / total : 0;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
