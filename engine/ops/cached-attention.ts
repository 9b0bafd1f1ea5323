import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkHeads } from './attention.ts';
import type { KeyValueCache } from './key-value-cache.ts';
import { rotaryTable } from './rotary.ts';
import { matrixExtents } from './shape-error.ts';

export interface CachedAttentionOptions {
  /** Query heads; consecutive ones share a key/value head. */
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
}

// Not one flat object: spreading it would cost a decoding step a hundredth of its time.
interface Options {
  readonly attention: CachedAttentionOptions;
  readonly cache: KeyValueCache;
  readonly layer: number;
  readonly slots: Int32Array;
  readonly positions: Int32Array;
}

const cachedAttentionOperation: Operation<readonly [qkv: Tensor], Options, null> = {
  name: 'cachedAttention',

  shape([qkv], { attention: options, cache, slots, positions }) {
    const { heads, keyValueHeads, headDim } = options;
    const [rows, columns] = matrixExtents('cachedAttention', 'qkv', qkv);
    checkHeads('cachedAttention', qkv, columns, options);
    if (cache.keyValueHeads !== keyValueHeads || cache.headDim !== headDim) {
      throw new RangeError(
        `cachedAttention: the cache holds ${cache.keyValueHeads} heads of ${cache.headDim}; ` +
          `expected ${keyValueHeads} of ${headDim}.`,
      );
    }
    checkRange('slots', slots, rows, cache.slots);
    checkRange('positions', positions, rows, cache.length);
    return [rows, heads * headDim];
  },

  forward([qkv], { attention: options, cache, layer, slots, positions }, output, records) {
    if (records) throw new Error('cachedAttention has no gradient; call it inside inference(() => …).');
    const { heads, keyValueHeads, headDim, ropeTheta } = options;
    cache.open(slots, positions);
    native().cachedAttention(
      qkv.data,
      rotaryTable(ropeTheta, headDim, cache.length),
      cache.layer(layer),
      cache.table,
      slots,
      positions,
      output,
      heads,
      keyValueHeads,
      headDim,
      cache.pagesPerSlot,
      cache.format,
    );
    return null;
  },

  gradient() {
    throw new Error('cachedAttention has no gradient.');
  },
};

/**
 * Attention of new tokens over a cache, for generation. Row i is rotated to its position, its key and value are
 * written at (slots[i], positions[i]), and it then attends over positions 0 to positions[i] of its slot. Rows of one
 * slot come in increasing position: many rows of a slot are a prefill, one row per slot is a decode step. The result
 * of a row does not depend on which other rows it is computed with.
 *
 * @param qkv [N, (heads + 2 keyValueHeads) · headDim]; in a row: query heads, key heads, value heads
 * @param slots [N]
 * @param positions [N]
 * @returns [N, heads · headDim]
 */
export function cachedAttention(
  qkv: Tensor,
  cache: KeyValueCache,
  layer: number,
  slots: Int32Array,
  positions: Int32Array,
  options: CachedAttentionOptions,
): Tensor {
  return apply(cachedAttentionOperation, [qkv], { attention: options, cache, layer, slots, positions });
}

function checkRange(name: string, numbers: Int32Array, rows: number, end: number): void {
  if (numbers.length !== rows) {
    throw new RangeError(`cachedAttention: ${name} has ${numbers.length} entries; expected ${rows}, one per row.`);
  }
  const bad = numbers.findIndex((number) => number < 0 || number >= end);
  if (bad !== -1) {
    throw new RangeError(`cachedAttention: ${name}[${bad}] is ${numbers[bad]}; the cache has 0 to ${end - 1}.`);
  }
}
