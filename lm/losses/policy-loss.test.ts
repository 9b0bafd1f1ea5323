import { Random } from '@parley/engine';
import { describe, expect, test } from 'vitest';
import { clippedPolicyLoss, clippedValueLoss, divergencePenalty, type TokenLoss } from './policy-loss.ts';

const random = new Random(8);
const draw = (length: number, scale = 1) => Float32Array.from({ length }, () => random.normal() * scale);

function expectDerivative(at: Float32Array, loss: (at: Float32Array) => TokenLoss): void {
  const { gradient } = loss(at);
  for (let t = 0; t < at.length; t++) {
    const [above, below] = [at.slice(), at.slice()];
    above[t]! += 1e-3;
    below[t]! -= 1e-3;
    const slope = (loss(above).loss - loss(below).loss) / (above[t]! - below[t]!);
    expect(gradient[t]).toBeCloseTo(slope, 3);
  }
}

describe('the clipped surrogate', () => {
  const [old, advantages] = [draw(40), draw(40)];

  test('at the policy that wrote the tokens, every ratio is 1 and the gradient is the policy gradient', () => {
    const { loss, gradient, clipped, divergence } = clippedPolicyLoss(old, old, advantages, {
      clip: 0.2,
      normalizer: 40,
    });
    expect(loss).toBeCloseTo(-advantages.reduce((sum, value) => sum + value, 0) / 40, 6);
    expect(gradient).toEqual(advantages.map((value) => -value / 40));
    expect([clipped, divergence]).toEqual([0, 0]);
  });

  test('differentiates as finite differences do, inside and outside the clip', () => {
    const now = old.map((value, t) => value + ((t % 9) - 4) * 0.11);
    expectDerivative(now, (at) => clippedPolicyLoss(at, old, advantages, { clip: 0.2, normalizer: 40 }));
  });

  test('clips only what would go further in the direction it went', () => {
    const by = (shift: number, advantage: number) =>
      clippedPolicyLoss(Float32Array.of(shift), Float32Array.of(0), Float32Array.of(advantage), {
        clip: 0.2,
        normalizer: 1,
      });
    expect(by(0.5, 1)).toMatchObject({ loss: expect.closeTo(-1.2, 6), clipped: 1, gradient: Float32Array.of(0) });
    expect(by(0.5, -1)).toMatchObject({ loss: expect.closeTo(Math.exp(0.5), 6), clipped: 0 });
    expect(by(-0.5, -1)).toMatchObject({ loss: expect.closeTo(0.8, 6), clipped: 1 });
    expect(by(-0.5, 1)).toMatchObject({ loss: expect.closeTo(-Math.exp(-0.5), 6), clipped: 0 });
  });

  test('parts of a batch add up to the batch', () => {
    const now = old.map((value, t) => value + Math.sin(t) * 0.3);
    const whole = clippedPolicyLoss(now, old, advantages, { clip: 0.2, normalizer: 40 });
    const parts = [
      [0, 13],
      [13, 14],
      [14, 40],
    ].map(([from, to]) =>
      clippedPolicyLoss(now.slice(from, to), old.slice(from, to), advantages.slice(from, to), {
        clip: 0.2,
        normalizer: 40,
      }),
    );
    expect(parts.reduce((sum, { loss }) => sum + loss, 0)).toBeCloseTo(whole.loss, 12);
    expect(parts.flatMap(({ gradient }) => [...gradient])).toEqual([...whole.gradient]);
  });

  test('a policy gone astray gives large but finite numbers', () => {
    const astray = clippedPolicyLoss(Float32Array.of(0), Float32Array.of(-500), Float32Array.of(-1), {
      clip: 0.2,
      normalizer: 1,
    });
    expect(Number.isFinite(astray.loss)).toBe(true);
  });
});

test('the value loss differentiates as finite differences do, and stays where the clip decides', () => {
  const [old, returns] = [draw(30), draw(30)];
  const now = old.map((value, t) => value + ((t % 7) - 3) * 0.13);
  expectDerivative(now, (at) => clippedValueLoss(at, old, returns, { clip: 0.2, normalizer: 30 }));
  // Past the clip on the way to the return: the loss of the clipped value is larger, and constant.
  const { loss, gradient } = clippedValueLoss(Float32Array.of(0.5), Float32Array.of(0), Float32Array.of(1), {
    clip: 0.2,
    normalizer: 1,
  });
  expect(loss).toBeCloseTo(0.5 * 0.8 ** 2, 6);
  expect(gradient[0]).toBe(0);
});

test('the divergence penalty is, on average over the policy, the exact KL divergence to the reference', () => {
  const softmax = (logits: Float32Array) => {
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    return logits.map((logit) => logit - Math.log(total));
  };
  const [policy, reference] = [softmax(draw(8)), softmax(draw(8))];
  const exact = policy.reduce((sum, log, id) => sum + Math.exp(log) * (log - reference[id]!), 0);
  const estimates = Array.from(
    policy,
    (log, id) => divergencePenalty(Float32Array.of(log), Float32Array.of(reference[id]!), 1).loss,
  );
  expect(estimates.every((estimate) => estimate >= 0)).toBe(true);
  expect(policy.reduce((sum, log, id) => sum + Math.exp(log) * estimates[id]!, 0)).toBeCloseTo(exact, 5);
  expectDerivative(policy, (at) => divergencePenalty(at, reference, 8));
});
