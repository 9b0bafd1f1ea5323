import { Random } from '@parley/engine';
import { expect, test } from 'vitest';
import { estimateAdvantages, whiten } from './advantages.ts';

const random = new Random(5);
const draw = (length: number) => Float32Array.from({ length }, () => random.normal());

test.each([
  [1, 1, 0.95],
  [7, 1, 0.95],
  [12, 0.9, 0.5],
  [5, 1, 0],
  [5, 0.97, 1],
])('equal their closed form: %i tokens, gamma %f, lambda %f', (length, gamma, lambda) => {
  const [rewards, values] = [draw(length), draw(length)];
  const { advantages, returns } = estimateAdvantages(rewards, values, { gamma, lambda });
  for (let t = 0; t < length; t++) {
    let expected = 0;
    for (let l = 0; t + l < length; l++) {
      const delta = rewards[t + l]! + gamma * (values[t + l + 1] ?? 0) - values[t + l]!;
      expected += (gamma * lambda) ** l * delta;
    }
    expect(advantages[t]).toBeCloseTo(expected, 5);
    expect(returns[t]).toBeCloseTo(expected + values[t]!, 5);
  }
});

test('with lambda 1 the return is the discounted sum of rewards, whatever the critic says', () => {
  const rewards = draw(9);
  const { returns } = estimateAdvantages(rewards, draw(9), { gamma: 1, lambda: 1 });
  expect(returns[2]).toBeCloseTo(
    rewards.slice(2).reduce((sum, reward) => sum + reward, 0),
    4,
  );
});

test('whitening is over all parts together', () => {
  const parts = [draw(3), draw(20), draw(0)];
  const before = parts.map((part) => part.slice());
  whiten(parts);
  const all = parts.flatMap((part) => [...part]);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  expect(mean).toBeCloseTo(0, 5);
  expect(all.reduce((sum, value) => sum + value ** 2, 0) / all.length).toBeCloseTo(1, 4);
  // An affine map: differences keep their proportions.
  const slope = (parts[1]![4]! - parts[0]![0]!) / (before[1]![4]! - before[0]![0]!);
  expect((parts[1]![9]! - parts[1]![0]!) / (before[1]![9]! - before[1]![0]!)).toBeCloseTo(slope, 4);
  expect(() => whiten([])).not.toThrow();
});
