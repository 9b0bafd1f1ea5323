/**
 * Byte-pair encoding of words (Sennrich et al. 2016): starting from bytes, the adjacent pair that was
 * learned first is merged, leftmost first, until no learned pair is left. For the words of any pre-tokenizer;
 * text that is cut by Parley's own pattern is encoded by the engine, which gives the same ids several times as fast.
 *
 * Three things make it fast. Words repeat, so the ids of recent short words are remembered. Most other words
 * have a few dozen symbols, where scanning for the lowest rank beats any data structure. Long words (a
 * megabyte without a space is legal input) go through a heap of pairs over a linked list: O(n log n).
 */
import { writeUtf8 } from './utf8.ts';
import { grown, WordTable } from './word-table.ts';

/** Above this many symbols a word is merged with the heap. */
const SCAN_LIMIT = 96;
/** Only words of at most this many UTF-16 units are remembered, and at most this many of them. */
const CACHED_LENGTH = 48;
const CACHED_WORDS = 1 << 17;

const NO_MERGE = 0x7fffffff;

/** Learned merges, looked up by pair. Rank = order of learning, lowest first. */
export class MergeTable {
  /** Four numbers per slot: left, right, rank, result; left is -1 where free. */
  private readonly slots: Int32Array;
  private readonly mask: number;

  /** @param merges three ids per merge, in order of learning: left, right, result */
  constructor(merges: Int32Array) {
    const count = merges.length / 3;
    let capacity = 16;
    while (capacity < count * 3) capacity *= 2;
    this.mask = capacity - 1;
    this.slots = new Int32Array(capacity * 4).fill(-1);
    for (let rank = 0; rank < count; rank++) {
      const slot = this.find(merges[rank * 3]!, merges[rank * 3 + 1]!);
      // The last of equal pairs counts, as in Hugging Face's map.
      this.slots.set([merges[rank * 3]!, merges[rank * 3 + 1]!, rank, merges[rank * 3 + 2]!], slot);
    }
  }

  rank(left: number, right: number): number {
    const slot = this.find(left, right);
    return this.slots[slot] === -1 ? NO_MERGE : this.slots[slot + 2]!;
  }

  /** The token that an existing pair merges to. */
  result(left: number, right: number): number {
    return this.slots[this.find(left, right) + 3]!;
  }

  private find(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77);
    hash ^= hash >>> 15;
    let slot = (hash & this.mask) * 4;
    while (this.slots[slot] !== -1 && (this.slots[slot] !== left || this.slots[slot + 1] !== right)) {
      slot = (slot + 4) & (this.mask * 4 + 3);
    }
    return slot;
  }
}

export class WordEncoder {
  private readonly merges: MergeTable;
  private readonly byteIds: Int32Array;
  private readonly wholeWords: ReadonlyMap<string, number> | null;

  private readonly cache = new WordTable();
  private cachedIds = new Int32Array(1 << 12);
  private cachedEnds = new Int32Array(1 << 10);

  private symbols = new Int32Array(256);
  private ranks = new Int32Array(256);
  private bytes = new Uint8Array(256);

  /**
   * @param byteIds the token of each byte, 256 long; -1 where the vocabulary lacks it: such bytes are dropped
   * @param merges three ids per merge, in order of learning: left, right, result
   * @param wholeWords words that are tokens by themselves whatever the merges say (Llama 3's `ignore_merges`)
   */
  constructor(byteIds: Int32Array, merges: Int32Array, wholeWords: ReadonlyMap<string, number> | null = null) {
    this.byteIds = byteIds;
    this.merges = new MergeTable(merges);
    this.wholeWords = wholeWords;
  }

  /** Appends the ids of the word `text[start, end)` to `ids`. Lone surrogates count as U+FFFD. */
  encodeWord(text: string, start: number, end: number, ids: number[]): void {
    if (end - start > CACHED_LENGTH) {
      const count = this.merge(text, start, end);
      for (let i = 0; i < count; i++) ids.push(this.symbols[i]!);
      return;
    }
    if (this.cache.count === CACHED_WORDS) this.cache.clear();
    const known = this.cache.count;
    const word = this.cache.intern(text, start, end);
    const from = word === 0 ? 0 : this.cachedEnds[word - 1]!;
    if (word === known) this.remember(word, from, this.merge(text, start, end));
    const to = this.cachedEnds[word]!;
    for (let i = from; i < to; i++) ids.push(this.cachedIds[i]!);
  }

  private remember(word: number, from: number, count: number): void {
    if (from + count > this.cachedIds.length) this.cachedIds = grown(this.cachedIds, from + count);
    if (word >= this.cachedEnds.length) this.cachedEnds = grown(this.cachedEnds, word + 1);
    for (let i = 0; i < count; i++) this.cachedIds[from + i] = this.symbols[i]!;
    this.cachedEnds[word] = from + count;
  }

  /** Leaves the word's ids at the front of `symbols` and returns how many they are. */
  private merge(text: string, start: number, end: number): number {
    const whole = this.wholeWords?.get(text.slice(start, end));
    if (whole !== undefined) {
      this.symbols[0] = whole;
      return 1;
    }
    const count = this.spell(text, start, end);
    return count <= SCAN_LIMIT ? this.mergeByScan(count) : this.mergeByHeap(count);
  }

  /** Writes the word's UTF-8 bytes as ids into `symbols`. */
  private spell(text: string, start: number, end: number): number {
    const most = (end - start) * 3;
    if (most > this.symbols.length) {
      this.symbols = grown(this.symbols, most);
      this.ranks = grown(this.ranks, most);
      this.bytes = new Uint8Array(this.symbols.length);
    }
    const size = writeUtf8(text, start, end, this.bytes);
    let count = 0;
    for (let i = 0; i < size; i++) {
      const id = this.byteIds[this.bytes[i]!]!;
      if (id >= 0) this.symbols[count++] = id;
    }
    return count;
  }

  private mergeByScan(length: number): number {
    const { symbols, ranks, merges } = this;
    let count = length;
    for (let i = 0; i + 1 < count; i++) ranks[i] = merges.rank(symbols[i]!, symbols[i + 1]!);
    for (;;) {
      let lowest = NO_MERGE;
      let at = 0;
      for (let i = 0; i + 1 < count; i++) {
        if (ranks[i]! < lowest) {
          lowest = ranks[i]!;
          at = i;
        }
      }
      if (lowest === NO_MERGE) return count;
      symbols[at] = merges.result(symbols[at]!, symbols[at + 1]!);
      count--;
      for (let i = at + 1; i < count; i++) {
        symbols[i] = symbols[i + 1]!;
        ranks[i] = ranks[i + 1]!;
      }
      if (at > 0) ranks[at - 1] = merges.rank(symbols[at - 1]!, symbols[at]!);
      if (at + 1 < count) ranks[at] = merges.rank(symbols[at]!, symbols[at + 1]!);
    }
  }

  /** The same with a heap of (rank, position): entries whose pair has changed since are skipped when they surface. */
  private mergeByHeap(length: number): number {
    const { symbols, ranks, merges } = this;
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    const heap = new RankHeap(length);
    for (let i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      ranks[i] = i + 1 < length ? merges.rank(symbols[i]!, symbols[i + 1]!) : NO_MERGE;
      if (ranks[i] !== NO_MERGE) heap.push(ranks[i]!, i);
    }
    const rerank = (at: number) => {
      ranks[at] = next[at]! < length ? merges.rank(symbols[at]!, symbols[next[at]!]!) : NO_MERGE;
      if (ranks[at] !== NO_MERGE) heap.push(ranks[at]!, at);
    };
    while (heap.size > 0) {
      const rank = heap.topRank();
      const at = heap.pop();
      if (ranks[at] !== rank) continue;
      const right = next[at]!;
      symbols[at] = merges.result(symbols[at]!, symbols[right]!);
      ranks[right] = NO_MERGE;
      next[at] = next[right]!;
      if (next[at]! < length) previous[next[at]!] = at;
      rerank(at);
      if (previous[at]! >= 0) rerank(previous[at]!);
    }
    let count = 0;
    for (let i = 0; i < length; i = next[i]!) symbols[count++] = symbols[i]!;
    return count;
  }
}

/** A binary min-heap of (rank, position), packed into one float64 each: rank × 2^32 + position. */
class RankHeap {
  size = 0;
  private keys: Float64Array;

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity);
  }

  push(rank: number, position: number): void {
    if (this.size === this.keys.length) this.keys = grown(this.keys, this.size + 1);
    const key = rank * 2 ** 32 + position;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.keys[parent]! <= key) break;
      this.keys[at] = this.keys[parent]!;
      at = parent;
    }
    this.keys[at] = key;
  }

  topRank(): number {
    return Math.floor(this.keys[0]! / 2 ** 32);
  }

  /** Removes the top and returns its position. */
  pop(): number {
    const top = this.keys[0]!;
    const key = this.keys[--this.size]!;
    let at = 0;
    for (let child = 1; child < this.size; child = at * 2 + 1) {
      if (child + 1 < this.size && this.keys[child + 1]! < this.keys[child]!) child++;
      if (this.keys[child]! >= key) break;
      this.keys[at] = this.keys[child]!;
      at = child;
    }
    this.keys[at] = key;
    return top % 2 ** 32;
  }
}
