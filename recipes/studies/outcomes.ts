/**
 * A world small enough to count: every answer of at most `longest` tokens over a handful of token ids, the exact
 * probability of each under a policy, and the distributions that methods of alignment aim at.
 */
import { answerLogProbabilities, type Episode, measureTokens } from '@parley/lm/episodes';
import type { Llama } from '@parley/lm/models';

/** Token 0 ends an answer. */
const end = 0;

/** Every answer: those that end, and those cut off at `longest` tokens. Their probabilities sum to 1. */
export function everyAnswer(prompt: readonly number[], vocabulary: number, longest: number): Episode[] {
  const grow = (answer: readonly number[]): Episode[] => {
    if (answer.at(-1) === end) return [{ prompt, answer, ended: true }];
    if (answer.length === longest) return [{ prompt, answer, ended: false }];
    return Array.from({ length: vocabulary }, (_, id) => grow([...answer, id])).flat();
  };
  return grow([]);
}

/** Exact probabilities of whole answers under a policy. */
export function probabilitiesOf(policy: Llama, answers: readonly Episode[]): Float64Array {
  const perToken = measureTokens(policy, answers, answerLogProbabilities, 4096);
  return Float64Array.from(perToken, (tokens) => Math.exp(tokens.reduce((sum, value) => sum + value, 0)));
}

/** π* ∝ π_ref exp(r / β): what maximises E[r] − β KL(π ‖ π_ref). */
export function tilted(reference: Float64Array, rewards: Float64Array, beta: number): Float64Array {
  const largest = Math.max(...rewards);
  const weights = reference.map((probability, index) => probability * Math.exp((rewards[index]! - largest) / beta));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** ½ Σ |p − q|, 0 to 1: the largest difference in probability that the two give to any set of answers. */
export function totalVariation(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, probability, index) => sum + Math.abs(probability - q[index]!), 0) / 2;
}

/**
 * Where GRPO comes to rest, which is not π*.
 *
 * Its loss holds the divergence as an estimate with the gradient of KL(π_ref ‖ π) at every state, where PPO's rewards
 * hold that of KL(π ‖ π_ref); it divides rewards by their deviation σ; and it gives no credit for divergence that a
 * token brings about later. At a state with values Q(a) of its tokens, the expected gradient with respect to the logit
 * of token a is
 *
 *     π(a) (Q(a) − V) / σ + β (π_ref(a) − π(a)),    V = Σ π Q
 *
 * and vanishes for every a exactly if π(a) = β π_ref(a) / (λ − Q(a) / σ) with λ = β + V / σ; summing over a shows that
 * the λ which makes π sum to 1 is that one. So states are solved from the last backwards, each by a search for λ,
 * with σ, which depends on the whole, found by repetition.
 */
export function groupRelativeFixedPoint(
  answers: readonly Episode[],
  reference: Float64Array,
  rewards: Float64Array,
  beta: number,
): Float64Array {
  let point = reference;
  for (let round = 0; round < 200; round++) {
    const mean = expectation(point, rewards);
    const deviation = Math.sqrt(
      expectation(
        point,
        rewards.map((reward) => (reward - mean) ** 2),
      ),
    );
    const next = solveStates(answers, reference, rewards, beta, deviation);
    const moved = totalVariation(point, next);
    // Half steps: σ and the policy chase each other otherwise.
    point = point.map((probability, index) => (probability + next[index]!) / 2);
    if (moved < 1e-9) break;
  }
  return point;
}

const expectation = (probabilities: Float64Array, values: Float64Array): number =>
  probabilities.reduce((sum, probability, index) => sum + probability * values[index]!, 0);

function solveStates(
  answers: readonly Episode[],
  reference: Float64Array,
  rewards: Float64Array,
  beta: number,
  deviation: number,
): Float64Array {
  const solved = new Float64Array(answers.length).fill(1);
  /** Solves the state after `depth` tokens that the answers `members` have in common; returns its value. */
  const solve = (members: readonly number[], depth: number): number => {
    const [only] = members;
    if (answers[only!]!.answer.length === depth) return rewards[only!]!;
    const tokens = [...new Set(members.map((index) => answers[index]!.answer[depth]!))];
    const below = tokens.map((token) => members.filter((index) => answers[index]!.answer[depth] === token));
    const mass = below.map((part) => part.reduce((sum, index) => sum + reference[index]!, 0));
    const total = mass.reduce((sum, value) => sum + value, 0);
    const values = below.map((part) => solve(part, depth + 1));
    const policy = balance(
      mass.map((value) => value / total),
      values,
      beta,
      deviation,
    );
    for (const [which, part] of below.entries()) for (const index of part) solved[index]! *= policy[which]!;
    return policy.reduce((sum, probability, which) => sum + probability * values[which]!, 0);
  };
  const all = answers.map((_, index) => index);
  solve(all, 0);
  return solved;
}

/** π(a) = β π_ref(a) / (λ − Q(a) / σ) with the λ at which it sums to 1, by bisection. */
function balance(reference: readonly number[], values: readonly number[], beta: number, deviation: number): number[] {
  const scaled = values.map((value) => value / Math.max(deviation, 1e-12));
  const at = (lambda: number) => reference.map((probability, a) => (beta * probability) / (lambda - scaled[a]!));
  // At the largest Q / σ the sum is infinite, β above it at most 1.
  let [low, high] = [Math.max(...scaled), Math.max(...scaled) + beta];
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (at(middle).reduce((sum, probability) => sum + probability, 0) > 1) low = middle;
    else high = middle;
  }
  const found = at(high);
  const total = found.reduce((sum, probability) => sum + probability, 0);
  return found.map((probability) => probability / total);
}
