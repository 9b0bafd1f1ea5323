import { beforeEach, expect, test } from 'vitest';
import { native, setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference, scope } from '../tape.ts';
import { tensor } from '../tensor.ts';
import {
  expectClose,
  expectGradients,
  flat,
  golden,
  goldenLeaf,
  gradients,
  randomLeaf,
  roundedNumbers,
  toBf16,
} from './gradient-check.ts';
import { linear, roundedLinear } from './linear.ts';

beforeEach(() => setPrecision('f32'));

test('agrees with PyTorch', () => {
  const file = golden('linear');
  const leaves = [goldenLeaf(file.x), goldenLeaf(file.weight), goldenLeaf(file.residual)] as const;
  const output = inference(() => linear(...leaves).data.slice());
  expectClose(output, flat(file.output), 1e-6);
  const [dx, dWeight, dResidual] = gradients(() => linear(...leaves), leaves, goldenLeaf(file.upstream));
  expectClose(dx!, flat(file.xGradient), 1e-6);
  expectClose(dWeight!, flat(file.weightGradient), 1e-6);
  expectClose(dResidual!, flat(file.residualGradient), 1e-6);
});

test.each([
  [1, 1, 1],
  [3, 17, 5],
  [130, 40, 33],
])('matches the definition in f32 and, within rounding, in bf16: %i x %i to %i', (rows, inner, columns) => {
  const random = new Random(rows);
  const x = randomLeaf(random, [rows, inner]);
  const weight = randomLeaf(random, [columns, inner]);
  const expected = Float32Array.from({ length: rows * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    let total = 0;
    for (let k = 0; k < inner; k++) total += x.data[row * inner + k]! * weight.data[column * inner + k]!;
    return total;
  });
  const compute = () => inference(() => linear(x, weight).data.slice());
  expectClose(compute(), expected, 1e-6);
  setPrecision('bf16');
  expectClose(compute(), expected, 1e-2);
});

test('gradients match finite differences, with the input used twice', () => {
  const random = new Random(4);
  const x = randomLeaf(random, [4, 6]);
  const weight = randomLeaf(random, [6, 6]);
  expectGradients(() => linear(linear(x, weight, x), weight, x), [x, weight], 1e-2);
});

test.each([
  [1, 7, 3],
  [33, 17, 20],
  [260, 45, 70],
])('an x stored as bf16 enters products with the bits that rounding gives: %i x %i to %i', (rows, inner, columns) => {
  setPrecision('bf16');
  const random = new Random(rows);
  const [x, weight] = [randomLeaf(random, [rows, inner]), randomLeaf(random, [columns, inner])];
  const dy = randomLeaf(random, [rows, columns]).data;
  const stored = Uint16Array.from(x.data, toBf16);
  const products = [x.data, stored].map((operand) => {
    const [y, packed, dWeight] = [rows * columns, rows * columns, columns * inner].map(
      (size) => new Float32Array(size),
    );
    native().productForward(operand, weight.data, null, y!, rows, inner, columns);
    native().productPacked(
      operand,
      native().packWeight(weight.data, 'bf16', false, inner, columns),
      null,
      packed!,
      rows,
    );
    native().productWeightGradient(dy, operand, dWeight!, false, rows, inner, columns);
    return [y, packed, dWeight];
  });
  expect(products[1]).toEqual(products[0]);
});

test.each([
  [1, 7, 3],
  [3, 1800, 45],
  [33, 1800, 20],
  [130, 40, 33],
  [260, 2000, 70],
])('a rounded output is the whole sum, rounded once, on the tape alone: %i x %i to %i', (rows, inner, columns) => {
  const random = new Random(rows);
  const [x, weight] = [randomLeaf(random, [rows, inner]), randomLeaf(random, [columns, inner])];
  const upstream = randomLeaf(random, [rows, columns]);
  const exact = scope(() => roundedLinear(x, weight).stored.slice());
  expect(exact).toEqual(inference(() => linear(x, weight).data.slice()));
  setPrecision('bf16');
  const sums = inference(() => linear(x, weight).data.slice());
  expect(scope(() => roundedLinear(x, weight).stored.slice())).toEqual(Uint16Array.from(sums, toBf16));
  expect(inference(() => roundedLinear(x, weight).data.slice())).toEqual(sums);
  const both = [linear, roundedLinear].map((product) => gradients(() => product(x, weight), [x, weight], upstream));
  expect(both[1]).toEqual(both[0]);
});

test.each([
  [1, 3, 7],
  [3, 45, 1800],
  [33, 20, 1800],
  [130, 33, 40],
  [260, 70, 2000],
])('a rounded gradient of x is the whole sum, rounded once: %i x %i to %i', (rows, inner, columns) => {
  const random = new Random(rows);
  const weight = randomLeaf(random, [columns, inner]).data;
  for (const precision of ['f32', 'bf16'] as const) {
    setPrecision(precision);
    for (const dy of roundedNumbers(random, rows * columns)) {
      const [whole, rounded] = [new Float32Array(rows * inner), new Uint16Array(rows * inner)];
      native().productInputGradient(dy, weight, whole, false, rows, inner, columns);
      native().productInputGradient(dy, weight, rounded, false, rows, inner, columns);
      expect(rounded).toEqual(Uint16Array.from(whole, toBf16));
    }
  }
});

test('adds to a gradient of x in float32 alone', () => {
  const [dy, weight] = [new Float32Array(8), new Float32Array(12)];
  expect(() => native().productInputGradient(dy, weight, new Uint16Array(6), true, 2, 3, 4)).toThrow(
    'productInputGradient: adds to float32 gradients only',
  );
  expect(() => native().productInputGradient(dy, weight, new Uint16Array(5), false, 2, 3, 4)).toThrow(
    'productInputGradient: dx holds 5 elements, expected 6',
  );
});

test('names the shapes that do not fit', () => {
  const x = tensor(new Float32Array(6), [2, 3]);
  const weight = tensor(new Float32Array(8), [2, 4]);
  expect(() => inference(() => linear(x, weight))).toThrow(
    'linear: got x [2, 3], weight [2, 4]; expected weight to have 3 columns, as x has.',
  );
  const square = tensor(new Float32Array(9), [3, 3]);
  expect(() => inference(() => linear(x, square, square))).toThrow('expected residual to be [2, 3]');
});
