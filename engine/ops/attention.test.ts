import { beforeAll, describe, expect, test } from 'vitest';
import { native, setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { tensor } from '../tensor.ts';
import { type AttentionOptions, attention } from './attention.ts';
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
import { rotaryTable } from './rotary.ts';

beforeAll(() => setPrecision('f32'));

/** Softmax attention by its definition, one query at a time, in double precision. */
function reference(qkv: Float32Array, options: AttentionOptions): Float32Array {
  const { heads, keyValueHeads, headDim, batch, length, ropeTheta, starts } = options;
  const columns = (heads + 2 * keyValueHeads) * headDim;
  const vector = (row: number, head: number, position: number | null): number[] => {
    const at = row * columns + head * headDim;
    const values = Array.from(qkv.subarray(at, at + headDim));
    if (position === null) return values;
    const half = headDim / 2;
    return values.map((value, index) => {
      const angle = position * ropeTheta ** ((-2 * (index % half)) / headDim);
      const other = index < half ? -values[index + half]! : values[index - half]!;
      return value * Math.cos(angle) + other * Math.sin(angle);
    });
  };
  const output = new Float32Array(batch * length * heads * headDim);
  for (let row = 0; row < batch * length; row++) {
    const position = row % length;
    const first = row - position;
    for (let head = 0; head < heads; head++) {
      const keyHead = heads + Math.floor(head / (heads / keyValueHeads));
      const query = vector(row, head, position);
      const exponentials: number[] = [];
      for (let other = starts?.[row] ?? 0; other <= position; other++) {
        const key = vector(first + other, keyHead, other);
        const score = query.reduce((total, value, index) => total + value * key[index]!, 0);
        exponentials.push(Math.exp(score / Math.sqrt(headDim)));
      }
      const total = exponentials.reduce((sum, value) => sum + value, 0);
      exponentials.forEach((value, index) => {
        const other = (starts?.[row] ?? 0) + index;
        vector(first + other, keyHead + keyValueHeads, null).forEach((component, column) => {
          output[(row * heads + head) * headDim + column]! += (value / total) * component;
        });
      });
    }
  }
  return output;
}

/** Documents of random lengths, one after the other, in every row. */
function packedStarts(random: Random, batch: number, length: number): Int32Array {
  const starts = new Int32Array(batch * length);
  for (let row = 0; row < batch; row++) {
    let start = 0;
    for (let position = 0; position < length; position++) {
      if (random.next() < 0.05) start = position;
      starts[row * length + position] = start;
    }
  }
  return starts;
}

test('agrees with PyTorch', () => {
  const file = golden('attention');
  const qkv = goldenLeaf(file.qkv);
  const options = { ...(file.options as AttentionOptions), starts: Int32Array.from(file.starts as number[]) };
  expectClose(
    inference(() => attention(qkv, options).data.slice()),
    flat(file.output),
    1e-5,
  );
  const [dqkv] = gradients(() => attention(qkv, options), [qkv], goldenLeaf(file.upstream));
  expectClose(dqkv!, flat(file.qkvGradient), 1e-5);
});

const layouts = [
  { heads: 1, keyValueHeads: 1, headDim: 2, batch: 1, length: 1 },
  { heads: 2, keyValueHeads: 1, headDim: 6, batch: 2, length: 5 },
  { heads: 3, keyValueHeads: 3, headDim: 16, batch: 2, length: 64 },
  { heads: 4, keyValueHeads: 2, headDim: 32, batch: 1, length: 130 },
  { heads: 2, keyValueHeads: 2, headDim: 64, batch: 1, length: 200 },
  { heads: 1, keyValueHeads: 1, headDim: 100, batch: 1, length: 67 },
];

describe.each(layouts)('$heads heads of $headDim over $keyValueHeads, $batch x $length', (layout) => {
  const random = new Random(layout.length);
  const columns = (layout.heads + 2 * layout.keyValueHeads) * layout.headDim;
  const qkv = randomLeaf(random, [layout.batch * layout.length, columns]);
  const plain = { ...layout, ropeTheta: 10000 };
  const packed = { ...plain, starts: packedStarts(random, layout.batch, layout.length) };

  test.each([
    ['plain', plain],
    ['packed', packed],
  ])('matches the definition, %s', (_name, options) => {
    const expected = reference(qkv.data, options);
    const compute = () => inference(() => attention(qkv, options).data.slice());
    expectClose(compute(), expected, 2e-6);
    setPrecision('bf16');
    expectClose(compute(), expected, 2e-2);
    setPrecision('f32');
  });

  test('gradients in bf16 stay near those in f32', () => {
    const upstream = randomLeaf(random, [layout.batch * layout.length, layout.heads * layout.headDim]);
    const [exact] = gradients(() => attention(qkv, packed), [qkv], upstream);
    setPrecision('bf16');
    const [rounded] = gradients(() => attention(qkv, packed), [qkv], upstream);
    setPrecision('f32');
    expectClose(rounded!, exact!, 3e-2);
  });
});

test.each(['f32', 'bf16'] as const)('reads rows stored as bf16 as the numbers that they hold, in %s', (precision) => {
  setPrecision(precision);
  const random = new Random(5);
  const options = { heads: 4, keyValueHeads: 2, headDim: 10, batch: 2, length: 70, ropeTheta: 100 };
  const upstream = randomLeaf(random, [140, 40]);
  const [stored, widened] = roundedLeaves(random, [140, 80]).map((leaf) => [
    inference(() => attention(leaf, options).data.slice()),
    ...gradients(() => attention(leaf, options), [leaf], upstream),
  ]);
  setPrecision('f32');
  expect(stored).toEqual(widened);
});

test.each(['f32', 'bf16'] as const)(
  'takes an output gradient stored as bf16 as the numbers that it holds, in %s',
  (precision) => {
    setPrecision(precision);
    const random = new Random(6);
    const [batch, length, heads, keyValueHeads, headDim] = [2, 70, 4, 2, 10];
    const rows = batch * length;
    const [qkv] = roundedNumbers(random, rows * 80);
    const rotary = rotaryTable(100, headDim, length);
    const before = randomLeaf(random, [rows * 80]).data;
    const gradients = roundedNumbers(random, rows * 40).map((dy) =>
      [new Uint16Array(rows * 40), new Float32Array(rows * 40)].map((output) => {
        const sums = new Float32Array(rows * heads);
        const layout = [batch, length, heads, keyValueHeads, headDim] as const;
        native().attentionForward(qkv, rotary, null, output, sums, ...layout);
        const [written, added, rounded] = [before.slice(), before.slice(), new Uint16Array(before.length)];
        native().attentionBackward(qkv, rotary, null, output, sums, dy, written, false, ...layout);
        native().attentionBackward(qkv, rotary, null, output, sums, dy, added, true, ...layout);
        native().attentionBackward(qkv, rotary, null, output, sums, dy, rounded, false, ...layout);
        return [written, added, rounded];
      }),
    );
    setPrecision('f32');
    expect(gradients[0]).toEqual(gradients[1]);
  },
);

test('adds to gradients in float32 alone', () => {
  const [qkv, rotary, output, sums] = [24, 8, 8, 4].map((size) => new Float32Array(size));
  const backward = (dy: Uint16Array, dqkv: Uint16Array, add: boolean) => () =>
    native().attentionBackward(qkv!, rotary!, null, output!, sums!, dy, dqkv, add, 1, 2, 2, 2, 2);
  expect(backward(new Uint16Array(8), new Uint16Array(24), true)).toThrow(
    'attentionBackward: adds to float32 gradients only',
  );
  expect(backward(new Uint16Array(9), new Uint16Array(24), false)).toThrow(
    'attentionBackward: doutput holds 9 elements, expected 8',
  );
});

test.each([
  { heads: 2, keyValueHeads: 1, headDim: 4, batch: 2, length: 6 },
  { heads: 2, keyValueHeads: 2, headDim: 2, batch: 1, length: 67 },
])('gradients match finite differences, $heads heads over $keyValueHeads, length $length', (layout) => {
  const random = new Random(3);
  const columns = (layout.heads + 2 * layout.keyValueHeads) * layout.headDim;
  const qkv = randomLeaf(random, [layout.batch * layout.length, columns]);
  const starts = packedStarts(random, layout.batch, layout.length);
  expectGradients(() => attention(qkv, { ...layout, ropeTheta: 100, starts }), [qkv]);
});

test('packed documents see nothing of each other', () => {
  const layout = { heads: 2, keyValueHeads: 1, headDim: 8, ropeTheta: 10000 };
  const lengths = [40, 3, 57, 28];
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const qkv = randomLeaf(new Random(8), [total, 32]);
  const starts = Int32Array.from(
    lengths.flatMap((length, index) => {
      const start = lengths.slice(0, index).reduce((sum, other) => sum + other, 0);
      return new Array<number>(length).fill(start);
    }),
  );
  const together = inference(() => attention(qkv, { ...layout, batch: 1, length: total, starts }).data.slice());
  let start = 0;
  for (const length of lengths) {
    const alone = tensor(qkv.data.slice(start * 32, (start + length) * 32), [length, 32]);
    const expected = inference(() => attention(alone, { ...layout, batch: 1, length }).data.slice());
    // The rotary embedding is relative: another offset changes the angles' rounding only.
    expectClose(together.subarray(start * 16, (start + length) * 16), expected, 5e-6);
    start += length;
  }
});

test('names what does not fit', () => {
  const qkv = tensor(new Float32Array(8 * 24), [8, 24]);
  const options = { heads: 2, keyValueHeads: 2, headDim: 4, batch: 2, length: 4, ropeTheta: 10000 };
  const run = (changes: Partial<AttentionOptions>) => () => inference(() => attention(qkv, { ...options, ...changes }));
  expect(run({ batch: 3 })).toThrow('attention: got qkv [8, 24]; expected 12 rows: batch 3 × length 4.');
  expect(run({ headDim: 6 })).toThrow('expected 36 columns');
  expect(run({ headDim: 3 })).toThrow('headDim is 3');
  expect(run({ heads: 3 })).toThrow('2 key/value heads do not divide 3 query heads');
  expect(run({ starts: new Int32Array(7) })).toThrow('starts has 7 entries; expected 8');
  expect(run({ starts: Int32Array.of(0, 0, 0, 0, 1, 0, 0, 0) })).toThrow('starts[4] is 1; token 0 of its row');
});
