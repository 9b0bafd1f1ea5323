import { native, precision } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkHeads } from './attention.ts';
import { rotaryTable } from './rotary.ts';
import { matrixExtents } from './shape-error.ts';

export interface KeyValueCacheOptions {
  readonly layers: number;
  /** Sequences that can be open at the same time. */
  readonly slots: number;
  /** Tokens per slot. */
  readonly length: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
}

/** Keys are stored in blocks of positions, so a slot holds a whole number of them. */
const positionsPerBlock = 16;

/**
 * Rotated keys and values of the tokens seen so far, by layer, slot and head, so that one head of one sequence is
 * contiguous; within a head as kernels/cached-attention.cc likes them. Stored as bfloat16 when the precision is 'bf16'
 * at construction, else float32.
 */
export class KeyValueCache {
  readonly layers: number;
  readonly slots: number;
  readonly length: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly #keys: Float32Array | Uint16Array;
  readonly #values: Float32Array | Uint16Array;
  /** Elements of all heads of one slot in one layer. */
  readonly #slotSize: number;

  constructor({ layers, slots, length, keyValueHeads, headDim }: KeyValueCacheOptions) {
    for (const [name, extent] of Object.entries({ layers, slots, length, keyValueHeads, headDim })) {
      if (!Number.isInteger(extent) || extent < 1) {
        throw new RangeError(`KeyValueCache: ${name} is ${extent}; expected a whole number of at least 1.`);
      }
    }
    this.layers = layers;
    this.slots = slots;
    this.length = length;
    this.keyValueHeads = keyValueHeads;
    this.headDim = headDim;
    this.#slotSize = keyValueHeads * Math.ceil(length / positionsPerBlock) * positionsPerBlock * headDim;
    const Storage = precision() === 'bf16' ? Uint16Array : Float32Array;
    this.#keys = new Storage(layers * slots * this.#slotSize);
    this.#values = new Storage(layers * slots * this.#slotSize);
  }

  /** Makes slot `to` a copy of slot `from`, in all layers: several answers then share one prompt's prefill. */
  copySlot(from: number, to: number): void {
    for (const slot of [from, to]) {
      if (!Number.isInteger(slot) || slot < 0 || slot >= this.slots) {
        throw new RangeError(`KeyValueCache.copySlot: slot ${slot} does not exist; slots are 0 to ${this.slots - 1}.`);
      }
    }
    const size = this.#slotSize;
    for (let layer = 0; layer < this.layers; layer++) {
      const source = (layer * this.slots + from) * size;
      const destination = (layer * this.slots + to) * size;
      this.#keys.copyWithin(destination, source, source + size);
      this.#values.copyWithin(destination, source, source + size);
    }
  }

  /** The stored keys and values of one layer: for the kernel. */
  layer(layer: number): { keys: Float32Array | Uint16Array; values: Float32Array | Uint16Array } {
    if (!Number.isInteger(layer) || layer < 0 || layer >= this.layers) {
      throw new RangeError(`KeyValueCache: layer ${layer} does not exist; layers are 0 to ${this.layers - 1}.`);
    }
    const size = this.slots * this.#slotSize;
    return {
      keys: this.#keys.subarray(layer * size, (layer + 1) * size),
      values: this.#values.subarray(layer * size, (layer + 1) * size),
    };
  }
}

export interface CachedAttentionOptions {
  /** Query heads; consecutive ones share a key/value head. */
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Base of the rotary embedding's wavelengths. */
  readonly ropeTheta: number;
}

interface Options extends CachedAttentionOptions {
  readonly cache: KeyValueCache;
  readonly layer: number;
  readonly slots: Int32Array;
  readonly positions: Int32Array;
}

const cachedAttentionOperation: Operation<readonly [qkv: Tensor], Options, null> = {
  name: 'cachedAttention',

  shape([qkv], options) {
    const { heads, keyValueHeads, headDim, cache, slots, positions } = options;
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

  forward([qkv], options, output, records) {
    if (records) throw new Error('cachedAttention has no gradient; call it inside inference(() => …).');
    const { heads, keyValueHeads, headDim, ropeTheta, cache, layer, slots, positions } = options;
    const { keys, values } = cache.layer(layer);
    const rotary = rotaryTable(ropeTheta, headDim, cache.length);
    const layout = [slots, positions, output, heads, keyValueHeads, headDim, cache.length] as const;
    if (keys instanceof Float32Array)
      native().cachedAttentionF32(qkv.data, rotary, keys, values as Float32Array, ...layout);
    else native().cachedAttentionBf16(qkv.data, rotary, keys, values as Uint16Array, ...layout);
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
  return apply(cachedAttentionOperation, [qkv], { ...options, cache, layer, slots, positions });
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
