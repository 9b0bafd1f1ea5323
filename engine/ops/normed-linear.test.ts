import { afterEach, expect, test } from 'vitest';
import { setPrecision, setThreads, threads, type WeightFormat } from '../native/addon.ts';
import { ParameterSet } from '../nn/parameter-set.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { tensor } from '../tensor.ts';
import { gradients, randomLeaf } from './gradient-check.ts';
import { linear, roundedLinear } from './linear.ts';
import { normedLinear, normedSwiglu } from './normed-linear.ts';
import { rmsNorm } from './rms-norm.ts';
import { swiglu } from './swiglu.ts';

afterEach(() => {
  setPrecision('f32');
  setThreads(usual);
});

const epsilon = 1e-5;
const usual = threads();

function weightOf(random: Random, columns: number, inner: number, gated = false) {
  const parameters = new ParameterSet([{ name: 'weight', shape: [columns, inner], decay: true, gated }]);
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

const cases = formats.flatMap(([format, fewRows]) =>
  [1, 3, 5, 33, 130, 700].map((rows) => [format, fewRows ? 'few' : 'many', rows] as const),
);

const shapes = [
  [45, 17],
  [901, 38],
] as const;

test.each(cases)(
  'packed products of normalised rows have the bits of the operations: %s for %s rows, %i rows',
  (...args) => {
    const [format, few, rows] = args;
    setPrecision(format === 'int8' ? 'bf16' : format);
    for (const [inner, columns] of shapes) {
      const random = new Random(rows + inner);
      const [x, gain] = [randomLeaf(random, [rows, inner]), randomLeaf(random, [inner])];
      const plain = weightOf(random, 2 * columns, inner);
      const gated = weightOf(random, 2 * columns, inner, true);
      gated.weight.data.set(plain.weight.data);
      for (const { parameters } of [plain, gated]) parameters.pack(format, few === 'few');
      const product = inference(() => linear(rmsNorm(x, gain, epsilon), plain.weight).data.slice());
      const activated = inference(() => swiglu(tensor(product, [rows, 2 * columns])).data.slice());
      for (const count of [1, 2, 3]) {
        setThreads(count);
        expect(inference(() => normedLinear(x, gain, plain.weight, epsilon).data.slice())).toEqual(product);
        expect(inference(() => normedSwiglu(x, gain, gated.weight, epsilon).data.slice())).toEqual(activated);
      }
    }
  },
);

test('a gated matrix in another format than products take, or for another product, is multiplied as it is', () => {
  const random = new Random(1);
  const [x, gain] = [randomLeaf(random, [7, 33]), randomLeaf(random, [33])];
  const { parameters, weight } = weightOf(random, 20, 33, true);
  const [product, activated] = [
    inference(() => normedLinear(x, gain, weight, epsilon).data.slice()),
    inference(() => normedSwiglu(x, gain, weight, epsilon).data.slice()),
  ];
  for (const format of ['f32', 'bf16'] as const) {
    parameters.pack(format);
    expect(inference(() => normedLinear(x, gain, weight, epsilon).data.slice())).toEqual(product);
    expect(inference(() => normedSwiglu(x, gain, weight, epsilon).data.slice())).toEqual(activated);
  }
});

test('on the tape they are the operations', () => {
  setPrecision('bf16');
  const random = new Random(1);
  const [x, gain] = [randomLeaf(random, [7, 33]), randomLeaf(random, [33])];
  const { parameters, weight } = weightOf(random, 20, 33);
  parameters.pack();
  const leaves = [x, gain, weight];
  const projected = () => roundedLinear(rmsNorm(x, gain, epsilon), weight);
  const pairs = [
    [() => normedLinear(x, gain, weight, epsilon), projected],
    [() => normedSwiglu(x, gain, weight, epsilon), () => swiglu(projected())],
  ] as const;
  for (const [together, apart] of pairs) {
    const upstream = randomLeaf(random, [7, inference(() => together().shape[1]!)]);
    const expected = gradients(apart, leaves, upstream);
    expect(gradients(together, leaves, upstream)).toEqual(expected);
    expect(expected.every((gradient) => gradient.some((value) => value !== 0))).toBe(true);
  }
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
