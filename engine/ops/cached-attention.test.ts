import { afterEach, describe, expect, test } from 'vitest';
import { type Precision, setPrecision } from '../native/addon.ts';
import { Random } from '../random.ts';
import { inference } from '../tape.ts';
import { tensor } from '../tensor.ts';
import { attention } from './attention.ts';
import { cachedAttention, KeyValueCache } from './cached-attention.ts';
import { expectClose, randomLeaf } from './gradient-check.ts';

afterEach(() => setPrecision('bf16'));

const layout = { heads: 4, keyValueHeads: 2, headDim: 24, ropeTheta: 10000 };
const columns = 8 * 24;
const width = 4 * 24;

function newCache(slots: number, length = 160): KeyValueCache {
  return new KeyValueCache({ layers: 2, slots, length, keyValueHeads: 2, headDim: 24 });
}

/** Feeds rows [from, to) of a sequence into a slot and returns their results. */
function feed(cache: KeyValueCache, qkv: Float32Array, slot: number, from: number, to: number): Float32Array {
  const rows = tensor(qkv.subarray(from * columns, to * columns), [to - from, columns]);
  const slots = new Int32Array(to - from).fill(slot);
  const positions = Int32Array.from({ length: to - from }, (_, index) => from + index);
  return inference(() => cachedAttention(rows, cache, 1, slots, positions, layout).data.slice());
}

describe.each<[Precision, number]>([
  ['f32', 3e-6],
  ['bf16', 2e-2],
])('in %s', (precision, tolerance) => {
  test('prefill and decode equal attention over the whole sequence', () => {
    setPrecision(precision);
    const length = 150;
    const qkv = randomLeaf(new Random(1), [length, columns]);
    const expected = inference(() => attention(qkv, { ...layout, batch: 1, length }).data.slice());
    const cache = newCache(3);
    expectClose(feed(cache, qkv.data, 2, 0, 100), expected.subarray(0, 100 * width), tolerance);
    for (let position = 100; position < length; position++) {
      const result = feed(cache, qkv.data, 2, position, position + 1);
      expectClose(result, expected.subarray(position * width, (position + 1) * width), tolerance);
    }
  });

  test('a row has the same bits alone, in a prefill and in a batch', () => {
    setPrecision(precision);
    const [count, length] = [5, 70];
    const sequences = Array.from({ length: count }, (_, slot) => randomLeaf(new Random(slot), [length, columns]));
    const alone = sequences.map(({ data }, slot) => {
      const cache = newCache(count);
      const parts = Array.from({ length }, (_, position) => feed(cache, data, slot, position, position + 1));
      return parts;
    });
    const prefilled = sequences.map(({ data }) => feed(newCache(1), data, 0, 0, length));
    const cache = newCache(count);
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

  test('a copied slot goes on like the original', () => {
    setPrecision(precision);
    const qkv = randomLeaf(new Random(9), [40, columns]);
    const cache = newCache(4);
    feed(cache, qkv.data, 0, 0, 30);
    cache.copySlot(0, 3);
    expect(feed(cache, qkv.data, 3, 30, 40)).toEqual(feed(cache, qkv.data, 0, 30, 40));
  });
});

test('names what does not fit', () => {
  const cache = newCache(2, 10);
  const qkv = tensor(new Float32Array(columns), [1, columns]);
  const run = (slot: number, position: number) => () =>
    inference(() => cachedAttention(qkv, cache, 0, Int32Array.of(slot), Int32Array.of(position), layout));
  expect(run(2, 0)).toThrow('cachedAttention: slots[0] is 2; the cache has 0 to 1.');
  expect(run(0, 10)).toThrow('cachedAttention: positions[0] is 10; the cache has 0 to 9.');
  expect(() => cache.copySlot(0, 2)).toThrow('slot 2 does not exist; slots are 0 to 1');
  expect(() => cache.layer(2)).toThrow('layer 2 does not exist');
  expect(() => new KeyValueCache({ layers: 0, slots: 1, length: 1, keyValueHeads: 1, headDim: 2 })).toThrow(
    'KeyValueCache: layers is 0; expected a whole number of at least 1.',
  );
});
