import { beforeEach, expect, test } from 'vitest';
import { setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { backward, inference, scope } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { crossEntropy } from './cross-entropy.ts';
import { scale } from './elementwise.ts';
import { expectClose, expectGradients, flat, golden, goldenLeaf, randomLeaf } from './gradient-check.ts';

beforeEach(() => setPrecision('f32'));

/** The slow way: one row of hidden times every row of weight, in doubles. */
function logitsOf(hidden: Tensor, weight: Tensor, row: number): number[] {
  const [vocabulary, width] = weight.shape as [number, number];
  return Array.from({ length: vocabulary }, (_, id) => {
    let total = 0;
    for (let k = 0; k < width; k++) total += hidden.data[row * width + k]! * weight.data[id * width + k]!;
    return total;
  });
}

test('agrees with PyTorch', () => {
  const file = golden('cross-entropy');
  const [hidden, weight] = [goldenLeaf(file.hidden), goldenLeaf(file.weight)];
  const targets = Int32Array.from(file.targets as number[]);
  scope(() => {
    const { loss, logProbabilities } = crossEntropy(hidden, weight, targets);
    expect(loss.shape).toEqual([]);
    expectClose(loss.data, [file.loss as number], 1e-6);
    expectClose(logProbabilities, flat(file.logProbabilities), 1e-6);
    backward(loss);
  });
  expectClose(hidden.gradient!, flat(file.hiddenGradient), 1e-6);
  expectClose(weight.gradient!, flat(file.weightGradient), 1e-6);
});

test('gradients match finite differences, scaled upstream and by the normalizer', () => {
  const random = new Random(5);
  const [hidden, weight] = [randomLeaf(random, [9, 5]), randomLeaf(random, [11, 5])];
  const targets = Int32Array.from({ length: 9 }, (_, index) => (index % 4 === 1 ? -1 : random.integer(11)));
  expectGradients(() => scale(crossEntropy(hidden, weight, targets, { normalizer: 3 }).loss, -2.5), [hidden, weight]);
});

test('is the same over several chunks of rows as row by row', () => {
  const random = new Random(6);
  const [rows, width, vocabulary] = [1100, 20, 77];
  const [hidden, weight] = [randomLeaf(random, [rows, width]), randomLeaf(random, [vocabulary, width])];
  const targets = Int32Array.from({ length: rows }, () => random.integer(vocabulary + 1) - 1);
  const expected = Float32Array.from(targets, (target, row) => {
    if (target < 0) return 0;
    const logits = logitsOf(hidden, weight, row);
    const top = Math.max(...logits);
    return logits[target]! - top - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
  });
  const { loss, logProbabilities } = inference(() => {
    const result = crossEntropy(hidden, weight, targets, { normalizer: 1 });
    return { loss: result.loss.data[0]!, logProbabilities: result.logProbabilities };
  });
  expectClose(logProbabilities, expected, 1e-6);
  expect(loss).toBeCloseTo(-expected.reduce((sum, value) => sum + value, 0), 1);

  setPrecision('bf16');
  const rounded = inference(() => crossEntropy(hidden, weight, targets).logProbabilities);
  expectClose(rounded, expected, 1e-2);
});

test.each([9, 77, 1000])(
  'entropies of %i ids are those of the distributions, and change nothing else',
  (vocabulary) => {
    const random = new Random(9);
    const [rows, width] = [70, 6];
    const [hidden, weight] = [randomLeaf(random, [rows, width]), randomLeaf(random, [vocabulary, width])];
    const targets = Int32Array.from({ length: rows }, () => random.integer(vocabulary + 1) - 1);
    const expected = Float32Array.from(targets, (target, row) => {
      if (target < 0) return 0;
      const logits = logitsOf(hidden, weight, row);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      return logits.reduce((sum, logit) => sum - (Math.exp(logit) / total) * Math.log(Math.exp(logit) / total), 0);
    });
    const run = (options: { entropies?: boolean }) => {
      for (const leaf of [hidden, weight]) leaf.gradient = null;
      return scope(() => {
        const { loss, logProbabilities, entropies } = crossEntropy(hidden, weight, targets, options);
        backward(loss);
        return { entropies, others: [logProbabilities, hidden.gradient!, weight.gradient!] };
      });
    };
    const [without, asked] = [run({}), run({ entropies: true })];
    expect(without.entropies).toBeNull();
    expectClose(asked.entropies!, expected, 1e-6);
    expect(asked.others).toEqual(without.others);
  },
);

test('a uniform distribution has the entropy of the vocabulary, a certain one none', () => {
  const hidden = goldenLeaf([[0], [1]]);
  const weight = goldenLeaf([[200], [0], [0], [0]]);
  const { entropies } = inference(() => crossEntropy(hidden, weight, Int32Array.of(2, 0), { entropies: true }));
  expect(entropies![0]).toBeCloseTo(Math.log(4), 6);
  expect(entropies![1]).toBe(0);
});

test('stays finite where logits are far apart', () => {
  const hidden = goldenLeaf([[300, -300]]);
  const weight = goldenLeaf([
    [1, 0],
    [0, 1],
  ]);
  scope(() => {
    const { loss } = crossEntropy(hidden, weight, Int32Array.of(1));
    expect(loss.data[0]).toBe(600);
    backward(loss);
  });
  expect(Array.from(hidden.gradient!)).toEqual([1, -1]);
});

test('a batch without targets costs nothing and teaches nothing', () => {
  const random = new Random(7);
  const [hidden, weight] = [randomLeaf(random, [2, 3]), randomLeaf(random, [4, 3])];
  scope(() => {
    const { loss } = crossEntropy(hidden, weight, Int32Array.of(-1, -1));
    expect(loss.data[0]).toBe(0);
    backward(loss);
  });
  expect(hidden.gradient!.every((value) => value === 0)).toBe(true);
  expect(weight.gradient!.every((value) => value === 0)).toBe(true);
});

test('names what does not fit', () => {
  const random = new Random(8);
  const [hidden, weight] = [randomLeaf(random, [2, 3]), randomLeaf(random, [4, 3])];
  const run = (targets: number[], normalizer?: number) => () =>
    inference(() => crossEntropy(hidden, weight, Int32Array.from(targets), normalizer ? { normalizer } : {}));
  expect(run([0, 4])).toThrow('crossEntropy: target 4 at position 1 is outside the vocabulary; expected -1 to 3');
  expect(run([0])).toThrow('expected one row per target, of which there are 1');
  expect(run([0, 1], -1)).toThrow('the normalizer is -1');
});
