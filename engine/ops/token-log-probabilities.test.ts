import { beforeEach, expect, test } from 'vitest';
import { setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { backward, inference, scope } from '../tape.ts';
import { crossEntropy } from './cross-entropy.ts';
import { mean, scale } from './elementwise.ts';
import { expectClose, expectGradients, gradients, randomLeaf } from './gradient-check.ts';
import { knownGradient } from './known-gradient.ts';
import { tokenLogProbabilities } from './token-log-probabilities.ts';

beforeEach(() => setPrecision('f32'));

const random = new Random(3);
const hidden = randomLeaf(random, [7, 5]);
const weight = randomLeaf(random, [11, 5]);
const ids = Int32Array.from([0, 10, 3, 3, 7, 1, 10]);

test('are log softmax at the ids', () => {
  const expected = Array.from(ids, (id, row) => {
    const logits = Array.from({ length: 11 }, (_, column) => {
      let total = 0;
      for (let k = 0; k < 5; k++) total += hidden.data[row * 5 + k]! * weight.data[column * 5 + k]!;
      return total;
    });
    return logits[id]! - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
  expectClose(
    inference(() => tokenLogProbabilities(hidden, weight, ids).data.slice()),
    expected,
    1e-6,
  );
});

test('come with the entropies of the whole distributions', () => {
  const entropies = new Float32Array(ids.length);
  inference(() => tokenLogProbabilities(hidden, weight, ids, entropies));
  const expected = Array.from(ids, (_, row) => {
    const every = Array.from({ length: 11 }, (_, id) =>
      inference(() => tokenLogProbabilities(hidden, weight, new Int32Array(ids.length).fill(id)).data[row]!),
    );
    return -every.reduce((sum, logProbability) => sum + Math.exp(logProbability) * logProbability, 0);
  });
  expectClose(entropies, expected, 1e-6);
  const three = new Float32Array(3);
  expect(() => inference(() => tokenLogProbabilities(hidden, weight, ids, three))).toThrow(
    /one row per entropy.*are 3/,
  );
});

test('gradients match finite differences under any weighting of the rows', () => {
  expectGradients(() => tokenLogProbabilities(hidden, weight, ids), [hidden, weight]);
});

test('their negative mean has the gradient of cross-entropy', () => {
  const one = randomLeaf(random, [], 0);
  one.data[0] = 1;
  const byMean = gradients(() => scale(mean(tokenLogProbabilities(hidden, weight, ids)), -1), [hidden, weight], one);
  const direct = gradients(() => crossEntropy(hidden, weight, ids).loss, [hidden, weight], one);
  byMean.forEach((gradient, which) => {
    expectClose(gradient, direct[which]!, 1e-6);
  });
});

test('an id outside the vocabulary is named', () => {
  expect(() => inference(() => tokenLogProbabilities(hidden, weight, new Int32Array(7).fill(11)))).toThrow(
    /id 11 at position 0/,
  );
});

test('a known gradient reaches its tensors, scaled and added', () => {
  const leaf = randomLeaf(random, [3]);
  const constant = randomLeaf(random, [2]);
  constant.requiresGradient = false;
  scope(() => {
    const once = knownGradient(4, [leaf, Float32Array.of(1, 2, 3)], [constant, new Float32Array(2)]);
    expect(once.data[0]).toBe(4);
    backward(scale(once, 2));
  });
  scope(() => backward(knownGradient(0, [leaf, Float32Array.of(1, 1, 1)])));
  expect([...leaf.gradient!]).toEqual([3, 5, 7]);
  expect(constant.gradient).toBeNull();
  expect(() => inference(() => knownGradient(Number.NaN, [leaf, new Float32Array(3)]))).toThrow(/loss is NaN/);
  expect(() => inference(() => knownGradient(0, [leaf, new Float32Array(2)]))).toThrow(/as many values, not 2/);
});
