import { beforeAll, expect, test } from 'vitest';
import { setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { add, mean, multiply, scale, sum } from './elementwise.ts';
import { expectClose, expectGradients, randomLeaf } from './gradient-check.ts';

beforeAll(() => setPrecision('f32'));

test('values follow the definitions', () => {
  const random = new Random(1);
  const [a, b] = [randomLeaf(random, [3, 7]), randomLeaf(random, [3, 7])];
  const results = inference(() =>
    [add(a, b), multiply(a, b), scale(a, 2.5), sum(a), mean(a)].map((result) => result.data.slice()),
  );
  const total = a.data.reduce((sofar, value) => sofar + value, 0);
  expect(results[0]).toEqual(a.data.map((value, index) => value + b.data[index]!));
  expect(results[1]).toEqual(a.data.map((value, index) => value * b.data[index]!));
  expect(results[2]).toEqual(a.data.map((value) => value * 2.5));
  expectClose(results[3]!, [total], 1e-6);
  expectClose(results[4]!, [total / 21], 1e-6);
});

test('gradients match finite differences, also where a tensor is used several times', () => {
  const random = new Random(2);
  const [a, b] = [randomLeaf(random, [3, 5]), randomLeaf(random, [3, 5])];
  expectGradients(() => add(multiply(a, b), scale(add(a, a), 0.5)), [a, b]);
  expectGradients(() => multiply(add(a, b), add(b, multiply(a, a))), [a, b], 1e-2);
  expectGradients(() => add(sum(multiply(a, b)), mean(scale(a, 3))), [a, b]);
});

test('sums in double precision', () => {
  const many = randomLeaf(new Random(3), [50_001]);
  many.data.fill(0.1);
  expect(inference(() => sum(many).data[0])).toBe(Math.fround(Math.fround(0.1) * 50_001));
});

test('wants equal shapes', () => {
  const random = new Random(4);
  expect(() => inference(() => add(randomLeaf(random, [2, 3]), randomLeaf(random, [3, 2])))).toThrow(
    'add: got a [2, 3], b [3, 2]; expected two equal shapes.',
  );
});
