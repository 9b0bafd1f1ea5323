/**
 * All adjacent symbol pairs of a corpus of words, kept up to date while pairs are merged.
 *
 * The words lie in one flat array, a sentinel (-1 - word) before each and one after the last:
 *
 *     slot        0    1   2   3   4    5    6   7   8
 *     symbol     -1    l   o   w   #   -2    l   o   w
 *     length      1    1   1   1   ...
 *
 * A symbol that has been merged from n slots keeps the first of them and notes n at its first and its last
 * slot, so that both neighbours are found in one step: right = slot + length[slot], left = slot - length[slot-1].
 *
 * A slot starts at most one pair, so the occurrences of a pair form a doubly linked list threaded through two
 * arrays over slots. A merge visits exactly the occurrences of its pair and relinks their neighbours:
 * O(occurrences), no search, no objects.
 *
 * The best pair comes from a max-heap with lazy updates: a pair's count can only fall after the merge that
 * created it, so an outdated entry never hides a better one; it is corrected when it surfaces.
 * Order: highest count, then lowest left id, then lowest right id; the same as Hugging Face's trainer.
 */
import { grown } from './word-table.ts';

const DEAD = -0x80000000;
const NONE = -1;

/** Pairs rarer than this are never merged: a token used once saves nothing. */
const LEAST_COUNT = 2;

export class PairIndex {
  private readonly symbols: Int32Array;
  private readonly lengths: Uint16Array;
  private readonly wordCounts: Float64Array;
  /** Per slot: neighbours in the list of its pair's occurrences. */
  private readonly following: Int32Array;
  private readonly preceding: Int32Array;

  private pairs = 0;
  private left = new Int32Array(1 << 12);
  private right = new Int32Array(1 << 12);
  private counts = new Float64Array(1 << 12);
  private heads = new Int32Array(1 << 12);
  /** Open addressing by pair: pair + 1, or 0 where free. */
  private table = new Int32Array(1 << 13);

  private heap = new Int32Array(1 << 12);
  private heapSize = 0;
  /** Count under which a pair lies in the heap: never less than its true count. */
  private heapCounts = new Float64Array(1 << 12);

  /** The pair being merged, whose list is taken apart as a whole. */
  private merging = NONE;

  /**
   * @param symbols symbols of all words, one after the other; taken over, not copied
   * @param ends end of each word in `symbols`, exclusive
   * @param wordCounts how often each word occurs
   */
  constructor(symbols: Int32Array, ends: Int32Array, wordCounts: Float64Array) {
    const slots = symbols.length + ends.length + 1;
    this.symbols = new Int32Array(slots);
    this.lengths = new Uint16Array(slots).fill(1);
    this.following = new Int32Array(slots);
    this.preceding = new Int32Array(slots);
    this.wordCounts = wordCounts;
    let slot = 0;
    for (let word = 0, from = 0; word < ends.length; from = ends[word++]!) {
      this.symbols[slot++] = -1 - word;
      this.symbols.set(symbols.subarray(from, ends[word]), slot);
      slot += ends[word]! - from;
    }
    this.symbols[slot] = -1 - ends.length;
    for (let at = 1; at < slot; at++) {
      if (this.symbols[at]! < 0 || this.symbols[at + 1]! < 0) continue;
      let word = at;
      while (this.symbols[word]! >= 0) word--;
      const count = wordCounts[-1 - this.symbols[word]!]!;
      // Every pair of a word in turn: the sentinel is looked for once per word.
      for (; this.symbols[at + 1]! >= 0; at++)
        this.link(at, this.pairOf(this.symbols[at]!, this.symbols[at + 1]!), count);
    }
    this.pushPairsFrom(0);
  }

  /** Words with all merges so far, as the constructor takes them. */
  compact(): { symbols: Int32Array; ends: Int32Array } {
    const symbols: Int32Array = new Int32Array(this.symbols.length);
    const ends = new Int32Array(this.wordCounts.length);
    let size = 0;
    let word = -1;
    for (let at = 0; at < this.symbols.length; at += this.lengths[at]!) {
      if (this.symbols[at]! >= 0) symbols[size++] = this.symbols[at]!;
      else if (++word > 0) ends[word - 1] = size;
    }
    return { symbols: symbols.slice(0, size), ends };
  }

  /**
   * Finds the most frequent pair and replaces it everywhere.
   * @param result id of the new symbol
   * @returns the pair, or null if none occurs at least twice
   */
  mergeBest(result: number): { left: number; right: number; count: number } | null {
    const pair = this.popBest();
    if (pair === NONE) return null;
    const best = { left: this.left[pair]!, right: this.right[pair]!, count: this.counts[pair]! };
    const known = this.pairs;
    this.merging = pair;
    if (best.left === best.right) {
      // Occurrences may overlap (aaa): from left to right, skipping what the one before has used up.
      const occurrences: number[] = [];
      for (let at = this.heads[pair]!; at !== NONE; at = this.following[at]!) occurrences.push(at);
      for (const at of Int32Array.from(occurrences).sort()) {
        if (this.symbols[at] === best.left && this.symbols[at + this.lengths[at]!] === best.right)
          this.mergeAt(at, result);
      }
    } else {
      for (let at = this.heads[pair]!; at !== NONE; ) {
        const next = this.following[at]!;
        this.mergeAt(at, result);
        at = next;
      }
    }
    this.merging = NONE;
    this.heads[pair] = NONE;
    this.counts[pair] = 0;
    this.pushPairsFrom(known);
    return best;
  }

  private mergeAt(at: number, result: number): void {
    const { symbols, lengths } = this;
    const left = symbols[at]!;
    const middle = at + lengths[at]!;
    const right = symbols[middle]!;
    const before = at - lengths[at - 1]!;
    const after = middle + lengths[middle]!;
    let word = before;
    while (symbols[word]! >= 0) word -= lengths[word - 1]!;
    const count = this.wordCounts[-1 - symbols[word]!]!;

    if (symbols[before]! >= 0) this.unlink(before, this.pairOf(symbols[before]!, left), count);
    if (symbols[after]! >= 0) this.unlink(middle, this.pairOf(right, symbols[after]!), count);
    symbols[at] = result;
    symbols[middle] = DEAD;
    const length = after - at;
    lengths[at] = length;
    lengths[after - 1] = length;
    if (symbols[before]! >= 0) this.link(before, this.pairOf(symbols[before]!, result), count);
    if (symbols[after]! >= 0) this.link(at, this.pairOf(result, symbols[after]!), count);
  }

  private link(at: number, pair: number, count: number): void {
    const head = this.heads[pair]!;
    this.following[at] = head;
    this.preceding[at] = NONE;
    if (head !== NONE) this.preceding[head] = at;
    this.heads[pair] = at;
    this.counts[pair]! += count;
  }

  private unlink(at: number, pair: number, count: number): void {
    if (pair === this.merging) return;
    const following = this.following[at]!;
    const preceding = this.preceding[at]!;
    if (preceding === NONE) this.heads[pair] = following;
    else this.following[preceding] = following;
    if (following !== NONE) this.preceding[following] = preceding;
    this.counts[pair]! -= count;
  }

  /** The number of a pair, made if need be. */
  private pairOf(left: number, right: number): number {
    const mask = this.table.length - 1;
    let slot = hashPair(left, right) & mask;
    for (let entry = this.table[slot]!; entry !== 0; entry = this.table[slot]!) {
      if (this.left[entry - 1] === left && this.right[entry - 1] === right) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const pair = this.pairs++;
    this.table[slot] = pair + 1;
    if (pair === this.left.length) {
      this.left = grown(this.left, pair + 1);
      this.right = grown(this.right, pair + 1);
      this.counts = grown(this.counts, pair + 1);
      this.heads = grown(this.heads, pair + 1);
      this.heapCounts = grown(this.heapCounts, pair + 1);
    }
    this.left[pair] = left;
    this.right[pair] = right;
    this.heads[pair] = NONE;
    if (this.pairs * 2 > this.table.length) this.rehash();
    return pair;
  }

  private rehash(): void {
    this.table = new Int32Array(this.table.length * 2);
    const mask = this.table.length - 1;
    for (let pair = 0; pair < this.pairs; pair++) {
      let slot = hashPair(this.left[pair]!, this.right[pair]!) & mask;
      while (this.table[slot] !== 0) slot = (slot + 1) & mask;
      this.table[slot] = pair + 1;
    }
  }

  /** Puts the pairs made since `first` into the heap, those that can ever be merged. */
  private pushPairsFrom(first: number): void {
    for (let pair = first; pair < this.pairs; pair++) {
      if (this.counts[pair]! < LEAST_COUNT) continue;
      if (this.heapSize === this.heap.length) this.heap = grown(this.heap, this.heapSize + 1);
      this.heapCounts[pair] = this.counts[pair]!;
      let at = this.heapSize++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (this.isBetter(this.heap[parent]!, pair)) break;
        this.heap[at] = this.heap[parent]!;
        at = parent;
      }
      this.heap[at] = pair;
    }
  }

  private popBest(): number {
    while (this.heapSize > 0) {
      const best = this.heap[0]!;
      const count = this.counts[best]!;
      if (count === this.heapCounts[best]) {
        this.sink(this.heap[--this.heapSize]!);
        return best;
      }
      this.heapCounts[best] = count;
      this.sink(count < LEAST_COUNT ? this.heap[--this.heapSize]! : best);
    }
    return NONE;
  }

  /** Puts `pair` where the top of the heap was. */
  private sink(pair: number): void {
    const { heap, heapSize } = this;
    let at = 0;
    for (let child = 1; child < heapSize; child = at * 2 + 1) {
      if (child + 1 < heapSize && this.isBetter(heap[child + 1]!, heap[child]!)) child++;
      if (this.isBetter(pair, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = pair;
  }

  private isBetter(a: number, b: number): boolean {
    const difference = this.heapCounts[a]! - this.heapCounts[b]! || this.left[b]! - this.left[a]!;
    return difference > 0 || (difference === 0 && this.right[a]! <= this.right[b]!);
  }
}

function hashPair(left: number, right: number): number {
  const hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77);
  return hash ^ (hash >>> 15);
}
