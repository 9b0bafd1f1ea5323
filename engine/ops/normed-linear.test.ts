import { afterEach, expect, test } from 'vitest';
import { setPrecision, setThreads, threads, type WeightFormat } from '../native/addon.ts';
import { ParameterSet } from '../nn/parameter-set.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { tensor } from '../tensor.ts';
import { gradients, randomLeaf } from './gradient-check.ts';
import { linear, roundedLinear } from './linear.ts';
import { normedLinear } from './normed-linear.ts';
import { rmsNorm } from './rms-norm.ts';

afterEach(() => {
  setPrecision('f32');
  setThreads(usual);
});

const epsilon = 1e-5;
const usual = threads();

function weightOf(random: Random, columns: number, inner: number) {
  const parameters = new ParameterSet([{ name: 'weight', shape: [columns, inner], decay: true }]);
  const weight = parameters.get('weight');
  weight.data.set(randomLeaf(random, [columns, inner]).data);
  return { parameters, weight };
}

const formats: [WeightFormat, fewRows: boolean][] = [
  ['f32', false],
  ['bf16', false],
  ['bf16', true],
  ['int8', false],
];

test.each(
  formats.flatMap(([format, fewRows]) =>
    [1, 3, 5, 33, 130, 700].map((rows) => [format, fewRows ? 'few' : 'many', rows] as const),
  ),
)(
  'a packed product of normalised rows has the bits of the two operations: %s for %s rows, %i rows',
  (format, few, rows) => {
    setPrecision(format === 'int8' ? 'bf16' : format);
    for (const [inner, columns] of [
      [45, 33],
      [901, 70],
    ] as const) {
      const random = new Random(rows + inner);
      const [x, gain] = [randomLeaf(random, [rows, inner]), randomLeaf(random, [inner])];
      const { parameters, weight } = weightOf(random, columns, inner);
      parameters.pack(format, few === 'few');
      const apart = inference(() => linear(rmsNorm(x, gain, epsilon), weight).data.slice());
      for (const count of [1, 2, 3]) {
        setThreads(count);
        expect(inference(() => normedLinear(x, gain, weight, epsilon).data.slice())).toEqual(apart);
      }
    }
  },
);

test('on the tape it is the two operations', () => {
  setPrecision('bf16');
  const random = new Random(1);
  const [x, gain] = [randomLeaf(random, [7, 33]), randomLeaf(random, [33])];
  const { parameters, weight } = weightOf(random, 20, 33);
  parameters.pack();
  const leaves = [x, gain, weight];
  const upstream = randomLeaf(random, [7, 20]);
  const together = gradients(() => normedLinear(x, gain, weight, epsilon), leaves, upstream);
  const apart = gradients(() => roundedLinear(rmsNorm(x, gain, epsilon), weight), leaves, upstream);
  expect(together).toEqual(apart);
  expect(together.every((gradient) => gradient.some((value) => value !== 0))).toBe(true);
});

test('names shapes that do not fit', () => {
  const { parameters, weight } = weightOf(new Random(1), 4, 3);
  parameters.pack();
  const x = tensor(new Float32Array(6), [2, 3]);
  const run = (rows: typeof x, gain: typeof x) => inference(() => normedLinear(rows, gain, weight, epsilon));
  expect(() => run(x, tensor([1, 1], [2]))).toThrow('expected weight to be [3], one factor per column of x');
  expect(() => run(tensor(new Float32Array(4), [2, 2]), tensor([1, 1], [2]))).toThrow(
    'expected weight to have 2 columns',
  );
});
