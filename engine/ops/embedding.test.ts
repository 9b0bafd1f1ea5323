import { beforeAll, expect, test } from 'vitest';
import { setPrecision, setThreads, threads } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { embedding } from './embedding.ts';
import { expectClose, flat, golden, goldenLeaf, gradients, randomLeaf } from './gradient-check.ts';

beforeAll(() => setPrecision('f32'));

test('agrees with PyTorch', () => {
  const file = golden('embedding');
  const weight = goldenLeaf(file.weight);
  const ids = Int32Array.from(file.ids as number[]);
  const output = inference(() => embedding(ids, weight).data.slice());
  expectClose(output, flat(file.output), 0);
  const [gradient] = gradients(() => embedding(ids, weight), [weight], goldenLeaf(file.upstream));
  expectClose(gradient!, flat(file.weightGradient), 1e-6);
});

test('adds repeated ids in token order, whatever the thread count', () => {
  const random = new Random(1);
  const [vocabulary, width, tokens] = [13, 21, 1000];
  const ids = Int32Array.from({ length: tokens }, () =>
    Math.min(random.integer(vocabulary), random.integer(vocabulary)),
  );
  const weight = randomLeaf(random, [vocabulary, width]);
  const upstream = randomLeaf(random, [tokens, width]);
  const expected = new Float32Array(vocabulary * width);
  ids.forEach((id, token) => {
    for (let column = 0; column < width; column++) {
      expected[id * width + column]! += upstream.data[token * width + column]!;
    }
  });
  const before = threads();
  for (const count of [1, 2, 3, 7]) {
    setThreads(count);
    const [gradient] = gradients(() => embedding(ids, weight), [weight], upstream);
    expect(gradient).toEqual(expected);
  }
  setThreads(before);
});

test('names an id that is out of range, its position and the vocabulary', () => {
  const weight = randomLeaf(new Random(1), [5, 2]);
  const look = (ids: number[]) => () => inference(() => embedding(Int32Array.from(ids), weight));
  expect(look([0, 4, 5])).toThrow(
    'embedding: id 5 at position 2 is outside the vocabulary; expected 0 to 4 (vocabulary 5).',
  );
  expect(look([-1])).toThrow('id -1 at position 0');
});
