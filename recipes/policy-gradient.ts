/** Gradients of policies and critics over a batch of answers, in parts that fit into memory. */
import { backward, knownGradient, scope } from '@parley/engine';
import { answerLogProbabilities, answerValues, layOut, partsOf } from '@parley/lm/episodes';
import { clippedPolicyLoss, clippedValueLoss, divergencePenalty } from '@parley/lm/losses';
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
): { loss: number; clipped: number; divergence: number } {
  const total = { loss: 0, clipped: 0, divergence: 0 };
  const episodes = members.map((index) => rollouts[index]!);
  policy.parameters.zeroGradients();
  for (const part of partsOf(episodes, tokens)) {
    scope(() => {
      const now = answerLogProbabilities(policy, layOut(part.map((which) => episodes[which]!)));
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
    });
  }
  return total;
}

/** Sets the critic's gradients to those of its clipped loss over some answers of a batch; returns the loss. */
export function valueGradient(
  critic: Llama,
  { rollouts }: Batch,
  values: readonly Float32Array[],
  returns: readonly Float32Array[],
  members: readonly number[],
  { clipValue: clip, tokens }: { clipValue: number; tokens: number },
  normalizer: number,
): number {
  let total = 0;
  const episodes = members.map((index) => rollouts[index]!);
  critic.parameters.zeroGradients();
  for (const part of partsOf(episodes, tokens)) {
    scope(() => {
      const now = answerValues(critic, layOut(part.map((which) => episodes[which]!)));
      const of = (arrays: readonly Float32Array[]) => joined(part.map((which) => arrays[members[which]!]!));
      const { loss, gradient } = clippedValueLoss(now.data, of(values), of(returns), { clip, normalizer });
      backward(knownGradient(loss, [now, gradient]));
      total += loss;
    });
  }
  return total;
}

/** 1 − Var(R − V) / Var(R): 1 for a critic that knows what comes, 0 for one that knows no more than the mean. */
export function explainedVariance(values: readonly Float32Array[], returns: readonly Float32Array[]): number {
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
