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

test('keeps its relative error below 4e-7 wherever e^x is a normal number, and ends in zero and the gate beyond', () => {
  // Steps of 0.0013 meet every part of the range reduction of e^x: those of ln 2 and of a sixteenth of it.
  const gates = Float32Array.from({ length: 2 * 65_536 }, (_, i) => (i - 65_536) * 0.0013);
  const width = gates.length;
  const output = new Float32Array(width);
  native().swigluForward(Float32Array.from([...gates, ...gates.map(() => 1)]), output, 1);
  const worst = gates.reduce((most, gate, i) => {
    const expected = gate / (1 + Math.exp(-gate));
    return gate > -80 && gate !== 0 ? Math.max(most, Math.abs(output[i]! / expected - 1)) : most;
  }, 0);
  expect(worst).toBeLessThan(4e-7);
  expect(output.every((value, i) => gates[i]! > -80 || (value <= 0 && value > -1e-30))).toBe(true);

  const ends = new Float32Array(6);
  const outside = [Number.NEGATIVE_INFINITY, -1e30, 1e30, Number.POSITIVE_INFINITY, Number.NaN, -0];
  native().swigluForward(Float32Array.from([...outside, 1, 1, 1, 1, 1, 1]), ends, 1);
  expect(ends[1]).toBeCloseTo(0, 6);
  expect(Array.from(ends.subarray(2))).toEqual([Math.fround(1e30), Number.POSITIVE_INFINITY, Number.NaN, -0]);
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
