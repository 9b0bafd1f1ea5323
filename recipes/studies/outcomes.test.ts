import { modelConfigSchema } from '@parley/contracts';
import { precision, Random, setPrecision } from '@parley/engine';
import { Llama } from '@parley/lm/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyAnswer, groupRelativeFixedPoint, probabilitiesOf, tilted, totalVariation } from './outcomes.ts';

const usual = precision();
beforeAll(() => setPrecision('f32'));
afterAll(() => setPrecision(usual));

const config = modelConfigSchema.parse({
  ...{ vocab_size: 4, hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, head_dim: 8 },
  ...{ num_attention_heads: 2, num_key_value_heads: 2, max_position_embeddings: 8, initializer_range: 0.5 },
});
const answers = everyAnswer([1], 4, 3);
const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
const random = new Random(3);
const rewards = Float64Array.from(answers, () => random.normal());

test('every answer is there once, and their probabilities sum to 1', () => {
  // . | x. | xy. | xyz, with three letters
  expect(answers).toHaveLength(1 + 3 + 9 + 27);
  expect(new Set(answers.map(({ answer }) => answer.join())).size).toBe(answers.length);
  expect(sum(probabilitiesOf(new Llama(config, new Random(5)), answers))).toBeCloseTo(1, 5);
});

test('the tilted policy beats every other by its objective', () => {
  const reference = probabilitiesOf(new Llama(config, new Random(5)), answers);
  const objective = (policy: Float64Array) =>
    policy.reduce((total, p, index) => total + p * (rewards[index]! - 0.4 * Math.log(p / reference[index]!)), 0);
  const best = tilted(reference, rewards, 0.4);
  expect(sum(best)).toBeCloseTo(1, 12);
  for (let seed = 0; seed < 30; seed++) {
    const other = tilted(
      best,
      Float64Array.from(answers, () => random.normal() * 0.3),
      1,
    );
    expect(objective(best)).toBeGreaterThan(objective(other));
  }
  expect(totalVariation(best, best)).toBe(0);
  expect(totalVariation(Float64Array.of(1, 0), Float64Array.of(0, 1))).toBe(1);
});

test("at GRPO's fixed point the expected gradient vanishes at every state", () => {
  const reference = probabilitiesOf(new Llama(config, new Random(5)), answers);
  const beta = 0.4;
  const point = groupRelativeFixedPoint(answers, reference, rewards, beta);
  expect(sum(point)).toBeCloseTo(1, 9);
  const mean = point.reduce((total, p, index) => total + p * rewards[index]!, 0);
  const deviation = Math.sqrt(point.reduce((total, p, index) => total + p * (rewards[index]! - mean) ** 2, 0));
  for (const beginning of [[], [1], [2, 3]]) {
    const inside = answers.flatMap(({ answer }, index) =>
      answer.length > beginning.length && beginning.every((token, t) => answer[t] === token) ? [index] : [],
    );
    const massOf = (policy: Float64Array, members: number[]) =>
      members.reduce((total, index) => total + policy[index]!, 0);
    const tokens = [0, 1, 2, 3].map((token) =>
      inside.filter((index) => answers[index]!.answer[beginning.length] === token),
    );
    const here = tokens.map((members) => massOf(point, members) / massOf(point, inside));
    const there = tokens.map((members) => massOf(reference, members) / massOf(reference, inside));
    const values = tokens.map(
      (members) =>
        members.reduce((total, index) => total + point[index]! * rewards[index]!, 0) / massOf(point, members),
    );
    const value = here.reduce((total, p, a) => total + p * values[a]!, 0);
    for (const [a, p] of here.entries()) {
      expect((p * (values[a]! - value)) / deviation + beta * (there[a]! - p)).toBeCloseTo(0, 5);
    }
  }
});
