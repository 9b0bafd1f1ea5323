import { afterEach, describe, expect, test } from 'vitest';
import { setPrecision, setThreads, threads } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { tensor } from '../tensor.ts';
import { attention } from './attention.ts';
import { type CachedAttentionOptions, cachedAttention } from './cached-attention.ts';
import { expectClose, randomLeaf } from './gradient-check.ts';
import { type CacheFormat, KeyValueCache } from './key-value-cache.ts';

afterEach(() => setPrecision('bf16'));

const layout = { heads: 4, keyValueHeads: 2, headDim: 24, ropeTheta: 10000 };
const columns = 8 * 24;
const width = 4 * 24;

function newCache(format: CacheFormat, slots: number, length = 160, shape = layout): KeyValueCache {
  const { keyValueHeads, headDim } = shape;
  return new KeyValueCache({ layers: 2, slots, length, keyValueHeads, headDim, format });
}

/** Feeds rows [from, to) of a sequence into a slot and returns their results. */
function feed(
  cache: KeyValueCache,
  qkv: Float32Array,
  slot: number,
  from: number,
  to: number,
  options: CachedAttentionOptions = layout,
): Float32Array {
  const rowColumns = (options.heads + 2 * options.keyValueHeads) * options.headDim;
  const rows = tensor(qkv.subarray(from * rowColumns, to * rowColumns), [to - from, rowColumns]);
  const slots = new Int32Array(to - from).fill(slot);
  const positions = Int32Array.from({ length: to - from }, (_, index) => from + index);
  return inference(() => cachedAttention(rows, cache, 1, slots, positions, options).data.slice());
}

/** Attention over the whole sequence, as training computes it in float32. */
function reference(qkv: Float32Array, length: number, options: CachedAttentionOptions = layout): Float32Array {
  setPrecision('f32');
  const rows = tensor(qkv, [length, qkv.length / length]);
  return inference(() => attention(rows, { ...options, batch: 1, length }).data.slice());
}

describe.each<[CacheFormat, number]>([
  ['f32', 3e-6],
  ['bf16', 2e-2],
  ['int8', 2e-2],
])('in %s', (format, tolerance) => {
  test('prefill and decode equal attention over the whole sequence', () => {
    const length = 150;
    const qkv = randomLeaf(new Random(1), [length, columns]);
    const expected = reference(qkv.data, length);
    const cache = newCache(format, 3);
    expectClose(feed(cache, qkv.data, 2, 0, 100), expected.subarray(0, 100 * width), tolerance);
    for (let position = 100; position < length; position++) {
      const result = feed(cache, qkv.data, 2, position, position + 1);
      expectClose(result, expected.subarray(position * width, (position + 1) * width), tolerance);
    }
  });

  test('agrees for any number and width of heads', () => {
    const random = new Random(5);
    for (let round = 0; round < 12; round++) {
      const keyValueHeads = 1 + random.integer(3);
      const heads = keyValueHeads * (1 + random.integer(8));
      const options = { heads, keyValueHeads, headDim: 2 * (1 + random.integer(48)), ropeTheta: 10000 };
      const length = 1 + random.integer(90);
      const { data } = randomLeaf(random, [length, (heads + 2 * keyValueHeads) * options.headDim]);
      const cache = newCache(format, 2, length, options);
      const split = random.integer(length);
      if (split > 0) feed(cache, data, 1, 0, split, options);
      const expected = reference(data, length, options).subarray(split * heads * options.headDim);
      expectClose(feed(cache, data, 1, split, length, options), expected, tolerance);
    }
  });

  test('a row has the same bits alone, in a prefill, in a batch and on one thread', () => {
    const [count, length] = [5, 70];
    const sequences = Array.from({ length: count }, (_, slot) => randomLeaf(new Random(slot), [length, columns]));
    const alone = sequences.map(({ data }, slot) => {
      const cache = newCache(format, count);
      return Array.from({ length }, (_, position) => feed(cache, data, slot, position, position + 1));
    });
    const prefilled = sequences.map(({ data }) => feed(newCache(format, 1), data, 0, 0, length));
    const usual = threads();
    setThreads(usual === 1 ? 2 : 1);
    const otherwise = sequences.map(({ data }) => feed(newCache(format, 1), data, 0, 0, length));
    setThreads(usual);
    expect(otherwise).toEqual(prefilled);
    const cache = newCache(format, count);
    for (let position = 0; position < length; position++) {
      const rows = new Float32Array(count * columns);
      sequences.forEach(({ data }, slot) => {
        rows.set(data.subarray(position * columns, (position + 1) * columns), slot * columns);
      });
      const slots = Int32Array.from({ length: count }, (_, slot) => slot);
      const positions = new Int32Array(count).fill(position);
      const batched = inference(() =>
        cachedAttention(tensor(rows, [count, columns]), cache, 1, slots, positions, layout).data.slice(),
      );
      sequences.forEach((_, slot) => {
        const result = batched.subarray(slot * width, (slot + 1) * width);
        expect(result).toEqual(alone[slot]![position]!);
        expect(result).toEqual(prefilled[slot]!.subarray(position * width, (position + 1) * width));
      });
    }
  });

  test('forks go on as if they had begun alone, and share all but their last page', () => {
    const [length, prompt] = [60, 42];
    const first = randomLeaf(new Random(9), [length, columns]).data;
    const second = randomLeaf(new Random(10), [length, columns]).data;
    second.set(first.subarray(0, prompt * columns));
    const alone = [first, second].map((data) => feed(newCache(format, 1), data, 0, 0, length));

    const cache = newCache(format, 4);
    feed(cache, first, 0, 0, prompt);
    expect(cache.pagesInUse).toBe(3);
    cache.fork(0, 3, prompt);
    cache.fork(3, 1, prompt);
    expect(cache.pagesInUse).toBe(3);
    const grown = [first, second].map((data, index) => feed(cache, data, [0, 1][index]!, prompt, length));
    expect(cache.pagesInUse).toBe(2 + 3 * 2 - 1);
    for (const [index, rows] of grown.entries()) expect(rows).toEqual(alone[index]!.subarray(prompt * width));
    // Slot 3 still holds the prompt alone.
    expect(feed(cache, second, 3, prompt, length)).toEqual(alone[1]!.subarray(prompt * width));
  });

  test('what a page held before does not matter, not even numbers that are none', () => {
    const qkv = randomLeaf(new Random(2), [40, columns]).data;
    const cache = newCache(format, 1);
    feed(cache, new Float32Array(qkv.length).fill(Number.NaN), 0, 0, 40);
    const again = Array.from({ length: 40 }, (_, position) => feed(cache, qkv, 0, position, position + 1));
    const fresh = feed(newCache(format, 1), qkv, 0, 0, 40);
    for (const [position, row] of again.entries()) {
      expect(row).toEqual(fresh.subarray(position * width, (position + 1) * width));
    }
  });

  test('a number that is none is not hidden', () => {
    const qkv = randomLeaf(new Random(3), [20, columns]).data;
    qkv[18 * columns + columns - 1] = Number.NaN;
    const result = feed(newCache(format, 1), qkv, 0, 0, 20);
    expect(result.subarray(0, 18 * width).some(Number.isNaN)).toBe(false);
    expect(result.subarray(19 * width).some(Number.isNaN)).toBe(true);
  });
});

test('in int8 a component that is larger than the others costs them little', () => {
  const options = { heads: 1, keyValueHeads: 1, headDim: 64, ropeTheta: 10000 };
  const length = 60;
  const qkv = randomLeaf(new Random(11), [length, 3 * 64]).data;
  const errorWith = (large: number) => {
    // The same in every value, so that it changes one component of the result by a constant and no other.
    const rows = qkv.slice();
    for (let row = 0; row < length; row++) rows[row * 3 * 64 + 2 * 64 + 5] = large;
    const expected = reference(rows, length, options);
    const result = feed(newCache('int8', 1, length, options), rows, 0, 0, length, options);
    return Math.hypot(...result.map((value, index) => value - expected[index]!));
  };
  // Rounded by the largest component alone, the head's others would have steps 30 times as large.
  expect(errorWith(100)).toBeLessThan(10 * errorWith(1));
});

test('a slot that goes on from the middle of what it shares leaves the others alone', () => {
  const qkv = randomLeaf(new Random(4), [80, columns]).data;
  const cache = newCache('bf16', 2);
  feed(cache, qkv, 0, 0, 40);
  cache.fork(0, 1, 40);
  feed(cache, qkv.subarray(40 * columns), 1, 5, 20);
  expect(feed(cache, qkv, 0, 40, 50)).toEqual(feed(newCache('bf16', 1), qkv, 0, 0, 50).subarray(40 * width));
});

test('every slot can be filled, however pages were shared before', () => {
  const random = new Random(6);
  const cache = newCache('bf16', 4, 40);
  const qkv = randomLeaf(random, [40, columns]).data;
  const held = [0, 0, 0, 0];
  for (let round = 0; round < 200; round++) {
    const [slot, other] = [random.integer(4), random.integer(4)];
    if (random.next() < 0.4 && slot !== other) {
      const count = random.integer(held[other]! + 1);
      cache.fork(other, slot, count);
      held[slot] = count;
    } else {
      const from = random.integer(held[slot]! + 1);
      const to = Math.min(40, from + 1 + random.integer(20));
      if (from === to) continue;
      feed(cache, qkv, slot, from, to);
      held[slot] = Math.max(held[slot]!, to);
    }
  }
  for (let slot = 0; slot < 4; slot++) feed(cache, qkv, slot, 0, 40);
  expect(cache.pagesInUse).toBe(12);
});

test('names what does not fit', () => {
  const cache = newCache('f32', 2, 10);
  const qkv = tensor(new Float32Array(columns), [1, columns]);
  const run = (slot: number, position: number) => () =>
    inference(() => cachedAttention(qkv, cache, 0, Int32Array.of(slot), Int32Array.of(position), layout));
  expect(run(2, 0)).toThrow('cachedAttention: slots[0] is 2; the cache has 0 to 1.');
  expect(run(0, 10)).toThrow('cachedAttention: positions[0] is 10; the cache has 0 to 9.');
  expect(run(0, 3)).not.toThrow();
  expect(() => cache.fork(0, 2, 1)).toThrow('slot 2 does not exist; slots are 0 to 1');
  expect(() => cache.fork(1, 0, 1)).toThrow('slot 1 does not hold 1 positions');
  expect(() => cache.layer(2)).toThrow('layer 2 does not exist');
  expect(() => new KeyValueCache({ layers: 0, slots: 1, length: 1, keyValueHeads: 1, headDim: 2 })).toThrow(
    'KeyValueCache: layers is 0; expected a whole number of at least 1.',
  );
});
