import { modelConfigSchema } from '@parley/contracts';
import { backward, embedding, inference, knownGradient, precision, Random, scope, setPrecision } from '@parley/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dot } from '../losses/index.ts';
import { Llama } from '../models/index.ts';
import { type Episode, layOut } from './episodes.ts';
import { FisherMatrix } from './fisher.ts';
import { answerFlops } from './flops.ts';

const usual = precision();
beforeAll(() => setPrecision('f32'));
afterAll(() => setPrecision(usual));

const vocabulary = 6;
const policy = new Llama(
  modelConfigSchema.parse({
    vocab_size: vocabulary,
    hidden_size: 4,
    intermediate_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 4,
    max_position_embeddings: 8,
    initializer_range: 0.8,
  }),
  new Random(2),
);
const episodes: Episode[] = [
  { prompt: [1, 2], answer: [3, 4, 0], ended: true },
  { prompt: [5], answer: [2, 2], ended: false },
];
const { values } = policy.parameters;
const random = new Random(6);
const draw = () => Float32Array.from(values, () => random.normal());

/** The Fisher matrix itself, from the gradient of every logit. */
function denseFisher(): number[][] {
  const batch = layOut(episodes);
  const logitsOf = () => policy.logits(embedding(batch.states, policy.hidden(batch.ids, batch.layout)));
  const logits = inference(() => logitsOf().data.slice());
  const states = batch.states.length;
  const jacobian = Array.from(logits, (_, index) => {
    policy.parameters.zeroGradients();
    scope(() => backward(knownGradient(0, [logitsOf(), logits.map((_, other) => (other === index ? 1 : 0))])));
    return policy.parameters.gradients.slice();
  });
  const dense = Array.from(values, () => Array.from(values, () => 0));
  for (let state = 0; state < states; state++) {
    const row = Array.from(logits.subarray(state * vocabulary, (state + 1) * vocabulary), Math.exp);
    const total = row.reduce((sum, value) => sum + value, 0);
    const p = row.map((value) => value / total);
    for (let a = 0; a < vocabulary; a++) {
      for (let b = 0; b < vocabulary; b++) {
        const weight = ((a === b ? p[a]! : 0) - p[a]! * p[b]!) / states;
        const [left, right] = [jacobian[state * vocabulary + a]!, jacobian[state * vocabulary + b]!];
        for (let i = 0; i < values.length; i++) {
          for (let j = 0; j < values.length; j++) dense[i]![j]! += weight * left[i]! * right[j]!;
        }
      }
    }
  }
  return dense;
}

test('times a vector agrees with the dense matrix, and leaves the policy as it was', () => {
  const dense = denseFisher();
  const fisher = new FisherMatrix(policy, episodes, 1000);
  const before = values.slice();
  for (let round = 0; round < 3; round++) {
    const v = draw();
    const expected = Float32Array.from(dense, (row) => row.reduce((sum, value, j) => sum + value * v[j]!, 0));
    const actual = fisher.times(v);
    const error = actual.map((value, i) => value - expected[i]!);
    expect(Math.sqrt(dot(error, error) / dot(expected, expected))).toBeLessThan(2e-3);
    expect(dot(v, actual)).toBeGreaterThanOrEqual(0);
  }
  expect(values).toEqual(before);
});

test('is the second derivative of the divergence', () => {
  const fisher = new FisherMatrix(policy, episodes, 7);
  const forward = answerFlops(policy, episodes);
  expect(fisher.flops).toBe(forward);
  expect(fisher.divergence()).toBeCloseTo(0, 9);
  expect(fisher.flops).toBe(2 * forward);
  const v = draw();
  const quadratic = dot(v, fisher.times(v));
  // Logits at two places, and a forward and a backward pass.
  expect(fisher.flops).toBe((2 + 2 + 3) * forward);
  const before = values.slice();
  const step = 0.02 / Math.sqrt(dot(v, v));
  const divergenceAt = (factor: number) => {
    for (let i = 0; i < values.length; i++) values[i] = before[i]! + factor * v[i]!;
    return fisher.divergence();
  };
  // The odd terms of the expansion cancel between both sides.
  const curvature = (divergenceAt(step) + divergenceAt(-step)) / step ** 2;
  values.set(before);
  expect(curvature / quadratic).toBeCloseTo(1, 1);
});
