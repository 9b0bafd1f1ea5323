/**
 * Memory for the keys and values of sequences that are being generated.
 *
 * It is kept in pages of 16 positions, and a table says which page holds which positions of which slot:
 *
 *     slot 0   [ 4 | 7 | 2 ]        table[slot][position / 16] = page
 *     slot 1   [ 4 | 7 | 5 ]        slots 0 and 1 begin alike and share pages 4 and 7
 *
 * so several answers to one prompt hold the prompt once. A page that more than one slot refers to is never written:
 * a slot that wants to write into one gets a copy first. As every slot refers to at most `length` positions, as many
 * pages as all slots could fill are always enough. Keys and values are those of kernels/cached-attention.cc, which
 * says how they lie in a page.
 */
import { native, precision } from '../native/addon.ts';

/** How keys and values are stored: float32, bfloat16, or 8-bit integers with a scale for each position and head. */
export type CacheFormat = 'f32' | 'bf16' | 'int8';

export interface KeyValueCacheOptions {
  readonly layers: number;
  /** Sequences that can be open at the same time. */
  readonly slots: number;
  /** Tokens per slot. */
  readonly length: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Default: the precision at construction. */
  readonly format?: CacheFormat;
}

const positionsPerPage = 16;

/** The layout of kernels/cached-attention.cc: numbers in a unit of 32 bits, units in front of keys and of values. */
const layouts: Record<CacheFormat, { pack: number; headers: number }> = {
  f32: { pack: 1, headers: 0 },
  bf16: { pack: 2, headers: 0 },
  int8: { pack: 4, headers: 3 * positionsPerPage },
};

export class KeyValueCache {
  readonly layers: number;
  readonly slots: number;
  readonly length: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly format: CacheFormat;
  readonly pagesPerSlot: number;
  /** [slots, pagesPerSlot] the page that holds these positions of the slot; -1 where it has none yet. */
  readonly table: Int32Array;
  /** Of one layer. */
  readonly #pageUnits: number;
  readonly #layers: Int32Array[];
  /** How many entries of the table refer to each page. */
  readonly #references: Int32Array;
  /** The first #freeCount are the pages that nothing refers to. */
  readonly #free: Int32Array;
  #freeCount: number;

  constructor({ layers, slots, length, keyValueHeads, headDim, format = precision() }: KeyValueCacheOptions) {
    for (const [name, extent] of Object.entries({ layers, slots, length, keyValueHeads, headDim })) {
      if (!Number.isInteger(extent) || extent < 1) {
        throw new RangeError(`KeyValueCache: ${name} is ${extent}; expected a whole number of at least 1.`);
      }
    }
    if (layouts[format] === undefined) {
      throw new RangeError(`KeyValueCache: format is ${format}; expected f32, bf16 or int8.`);
    }
    this.layers = layers;
    this.slots = slots;
    this.length = length;
    this.keyValueHeads = keyValueHeads;
    this.headDim = headDim;
    this.format = format;
    this.pagesPerSlot = Math.ceil(length / positionsPerPage);
    const pages = slots * this.pagesPerSlot;
    this.table = new Int32Array(pages).fill(-1);
    this.#pageUnits = keyValueHeads * unitsPerHead(format, headDim);
    // One block a layer: reserved now, taken from the system when first written.
    this.#layers = Array.from(
      { length: layers },
      () => new Int32Array(native().reserveBlock(pages * this.#pageUnits * 4), 0, pages * this.#pageUnits),
    );
    this.#references = new Int32Array(pages);
    // Taken from the end, so a fresh cache fills from its beginning.
    this.#free = Int32Array.from({ length: pages }, (_, index) => pages - 1 - index);
    this.#freeCount = pages;
  }

  /** Bytes that one token takes, in all layers. */
  get bytesPerToken(): number {
    return (this.layers * this.#pageUnits * 4) / positionsPerPage;
  }

  /** Pages that hold something, of all slots together. */
  get pagesInUse(): number {
    return this.#free.length - this.#freeCount;
  }

  /** Lets slot `to` begin with the first `count` positions of slot `from`; what it held is forgotten. */
  fork(from: number, to: number, count: number): void {
    for (const slot of [from, to]) {
      if (!Number.isInteger(slot) || slot < 0 || slot >= this.slots) {
        throw new RangeError(`KeyValueCache.fork: slot ${slot} does not exist; slots are 0 to ${this.slots - 1}.`);
      }
    }
    const used = Math.ceil(count / positionsPerPage);
    const source = from * this.pagesPerSlot;
    const held = this.table.subarray(source, source + this.pagesPerSlot);
    if (!Number.isInteger(count) || count < 0 || count > this.length || held.subarray(0, used).includes(-1)) {
      throw new RangeError(`KeyValueCache.fork: slot ${from} does not hold ${count} positions.`);
    }
    if (from === to) return;
    for (let index = 0; index < this.pagesPerSlot; index++) {
      const place = to * this.pagesPerSlot + index;
      this.#release(this.table[place]!);
      const shared = index < used ? this.table[source + index]! : -1;
      this.table[place] = shared;
      if (shared !== -1) this.#references[shared]!++;
    }
  }

  /** Gives each of these positions a page of its slot's own, as the kernel will write there. */
  open(slots: Int32Array, positions: Int32Array): void {
    for (let row = 0; row < slots.length; row++) {
      const place = slots[row]! * this.pagesPerSlot + Math.floor(positions[row]! / positionsPerPage);
      const page = this.table[place]!;
      if (page !== -1 && this.#references[page] === 1) continue;
      const own = this.#take();
      this.table[place] = own;
      if (page === -1) continue;
      this.#copy(page, own);
      this.#release(page);
    }
  }

  /** The pages of one layer: for the kernel. */
  layer(layer: number): Int32Array {
    const pages = this.#layers[layer];
    if (pages === undefined) {
      throw new RangeError(`KeyValueCache: layer ${layer} does not exist; layers are 0 to ${this.layers - 1}.`);
    }
    return pages;
  }

  #take(): number {
    const page = this.#free[--this.#freeCount]!;
    this.#references[page] = 1;
    return page;
  }

  #release(page: number): void {
    if (page === -1 || --this.#references[page]! > 0) return;
    this.#free[this.#freeCount++] = page;
  }

  #copy(from: number, to: number): void {
    const size = this.#pageUnits;
    for (const pages of this.#layers) pages.copyWithin(to * size, from * size, (from + 1) * size);
  }
}

function unitsPerHead(format: CacheFormat, headDim: number): number {
  const { pack, headers } = layouts[format];
  const keys = Math.ceil(headDim / pack) * positionsPerPage;
  const columns = Math.ceil(headDim / positionsPerPage) * positionsPerPage;
  return headers + keys + (positionsPerPage / pack) * columns;
}
