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
  roundedNumbers,
} from './gradient-check.ts';
import { rmsNorm } from './rms-norm.ts';

beforeAll(() => setPrecision('f32'));

test('agrees with PyTorch', () => {
  const file = golden('rms-norm');
  const [x, weight] = [goldenLeaf(file.x), goldenLeaf(file.weight)];
  const build = () => rmsNorm(x, weight, file.epsilon as number);
  expectClose(
    inference(() => build().data.slice()),
    flat(file.output),
    1e-6,
  );
  const [dx, dWeight] = gradients(build, [x, weight], goldenLeaf(file.upstream));
  expectClose(dx!, flat(file.xGradient), 1e-6);
  expectClose(dWeight!, flat(file.weightGradient), 1e-6);
});

test.each([1, 7, 16, 50, 384])('matches the definition and finite differences at width %i', (width) => {
  const random = new Random(width);
  const x = randomLeaf(random, [3, width]);
  const weight = randomLeaf(random, [width]);
  const expected = new Float32Array(3 * width);
  for (let row = 0; row < 3; row++) {
    const values = x.data.subarray(row * width, (row + 1) * width);
    const root = Math.sqrt(values.reduce((total, value) => total + value * value, 0) / width + 1e-5);
    values.forEach((value, column) => {
      expected[row * width + column] = (value / root) * weight.data[column]!;
    });
  }
  expectClose(
    inference(() => rmsNorm(x, weight, 1e-5).data.slice()),
    expected,
    1e-6,
  );
  if (width > 1 && width < 100) expectGradients(() => rmsNorm(x, weight, 1e-5), [x, weight]);
});

test.each([1, 16, 50])('takes an output gradient stored as bf16 as the numbers that it holds, at width %i', (width) => {
  const random = new Random(width);
  const rows = 70;
  const x = randomLeaf(random, [rows, width]).data;
  const weight = randomLeaf(random, [width]).data;
  const inverse = new Float32Array(rows);
  native().rmsNormForward(x, weight, new Float32Array(rows * width), inverse, 1e-5);
  const before = [randomLeaf(random, [rows * width]).data, randomLeaf(random, [width]).data] as const;
  const [stored, widened] = roundedNumbers(random, rows * width).map((dy) =>
    [false, true].map((add) => {
      const [dx, dWeight] = [before[0].slice(), before[1].slice()];
      native().rmsNormBackward(x, weight, inverse, dy, dx, add, dWeight, add);
      return [dx, dWeight];
    }),
  );
  expect(stored).toEqual(widened);
});

test('wants as many output gradients as there are inputs', () => {
  const [x, weight] = [new Float32Array(12), new Float32Array(4)];
  const backward = (dy: Float32Array | Uint16Array) => () =>
    native().rmsNormBackward(x, weight, new Float32Array(3), dy, null, false, null, false);
  expect(backward(new Uint16Array(8))).toThrow('rmsNormBackward: dy holds 8 elements, expected 12');
  expect(backward(new Int32Array(12) as never)).toThrow('dy is not a Float32Array or a Uint16Array');
});

test('names the shapes that do not fit', () => {
  const x = tensor(new Float32Array(12), [3, 4]);
  const weight = tensor(new Float32Array(3), [3]);
  expect(() => inference(() => rmsNorm(x, weight, 1e-5))).toThrow(
    'rmsNorm: got x [3, 4], weight [3]; expected weight to be [4], one factor per column of x.',
  );
});
