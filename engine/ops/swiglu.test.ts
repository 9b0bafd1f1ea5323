import { beforeAll, expect, test } from 'vitest';
import { native, setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { tensor } from '../tensor.ts';
import {
  expectClose,
  expectGradients,
  flat,
  golden,
  goldenLeaf,
  gradients,
  randomLeaf,
  roundedLeaves,
  roundedNumbers,
} from './gradient-check.ts';
import { swiglu } from './swiglu.ts';

beforeAll(() => setPrecision('f32'));

test('agrees with PyTorch', () => {
  const file = golden('swiglu');
  const gateUp = goldenLeaf(file.gateUp);
  const output = inference(() => swiglu(gateUp).data.slice());
  expectClose(output, flat(file.output), 1e-6);
  const [gradient] = gradients(() => swiglu(gateUp), [gateUp], goldenLeaf(file.upstream));
  expectClose(gradient!, flat(file.gateUpGradient), 1e-6);
});

test.each([1, 16, 37])('matches the definition and finite differences at width %i', (width) => {
  const gateUp = randomLeaf(new Random(width), [4, 2 * width], 2);
  const expected = Float32Array.from({ length: 4 * width }, (_, index) => {
    const at = Math.floor(index / width) * 2 * width + (index % width);
    const gate = gateUp.data[at]!;
    return (gate / (1 + Math.exp(-gate))) * gateUp.data[at + width]!;
  });
  const output = inference(() => swiglu(gateUp).data.slice());
  expectClose(output, expected, 1e-6);
  expectGradients(() => swiglu(gateUp), [gateUp]);
});

test('reads an input stored as bf16 as the numbers that it holds', () => {
  const random = new Random(5);
  const upstream = randomLeaf(random, [9, 37]);
  const [stored, widened] = roundedLeaves(random, [9, 74]).map((leaf) => [
    inference(() => swiglu(leaf).data.slice()),
    ...gradients(() => swiglu(leaf), [leaf], upstream),
  ]);
  expect(stored).toEqual(widened);
});

test.each([1, 16, 37])('takes an output gradient stored as bf16 as the numbers that it holds, at width %i', (width) => {
  const random = new Random(width);
  const rows = 11;
  const before = randomLeaf(random, [rows * 2 * width]).data;
  const inputs = roundedNumbers(random, rows * 2 * width);
  const [stored, widened] = roundedNumbers(random, rows * width).map((dy) =>
    inputs.map((gateUp) => {
      const [written, added, rounded] = [before.slice(), before.slice(), new Uint16Array(before.length)];
      native().swigluBackward(gateUp, dy, written, false, rows);
      native().swigluBackward(gateUp, dy, added, true, rows);
      native().swigluBackward(gateUp, dy, rounded, false, rows);
      return [written, added, rounded];
    }),
  );
  expect(stored).toEqual(widened);
});

test('adds to gradients in float32 alone', () => {
  const [gateUp, dy] = [new Uint16Array(12), new Uint16Array(6)];
  expect(() => native().swigluBackward(gateUp, dy, new Uint16Array(12), true, 2)).toThrow(
    'swigluBackward: adds to float32 gradients only',
  );
  expect(() => native().swigluBackward(gateUp, new Uint16Array(7), new Uint16Array(12), false, 2)).toThrow(
    'swigluBackward: dy holds 7 elements, expected 6',
  );
});

test('saturates without NaN', () => {
  const gateUp = tensor([1e4, -1e4, 1, 1], [1, 4]);
  const output = inference(() => swiglu(gateUp).data.slice());
  expect(output[0]).toBe(1e4);
  expect(output[1]).toBeCloseTo(0, 10);
});

test('wants an even number of columns', () => {
  expect(() => inference(() => swiglu(tensor([1, 2, 3], [1, 3])))).toThrow('expected an even number of columns');
});
