/**
 * Words → small integers, without making a string per word.
 *
 * Counting and encoding look millions of words up. A `Map<string, …>` would need each word sliced from its
 * document first, and V8's slices keep the whole document alive. Here the code units of each distinct word
 * are copied once into a pool, and a span of any text is looked up in place (open addressing, linear probing).
 */

const HASH_START = 0x811c9dc5 | 0;

function hashWord(text: string, start: number, end: number): number {
  let hash = HASH_START;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The multiplication carries upwards only: fold the high bits back, the table's index is the low ones.
  return hash ^ (hash >>> 15);
}

export class WordTable {
  /** Number of distinct words; indices are 0 .. count - 1 in order of first appearance. */
  count = 0;
  /** Code units of all words, one after the other; `starts[i] .. starts[i + 1]` is word i. */
  units = new Uint16Array(1 << 12);
  starts = new Int32Array(1 << 9);
  /** Number of code units in the pool. */
  unitCount = 0;
  private hashes = new Int32Array(1 << 9);
  /** Word index + 1, or 0 where free; a power of two long, at most half full. */
  private slots = new Int32Array(1 << 10);

  /** The index of `text[start, end)`; equal to the former {@link count} exactly when the word is new. */
  intern(text: string, start: number, end: number): number {
    const hash = hashWord(text, start, end);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (let entry = this.slots[slot]!; entry !== 0; entry = this.slots[slot]!) {
      if (this.hashes[entry - 1] === hash && this.equals(entry - 1, text, start, end)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    this.slots[slot] = this.count + 1;
    return this.append(text, start, end, hash);
  }

  /** Forgets all words and keeps the memory. */
  clear(): void {
    this.count = 0;
    this.unitCount = 0;
    this.slots.fill(0);
  }

  private equals(index: number, text: string, start: number, end: number): boolean {
    const from = this.starts[index]!;
    if (this.starts[index + 1]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) if (this.units[j] !== text.charCodeAt(i)) return false;
    return true;
  }

  private append(text: string, start: number, end: number, hash: number): number {
    const index = this.count++;
    const from = this.unitCount;
    const to = from + end - start;
    this.unitCount = to;
    if (to > this.units.length) this.units = grown(this.units, to);
    for (let i = start, j = from; i < end; i++, j++) this.units[j] = text.charCodeAt(i);
    if (index + 2 > this.starts.length) {
      this.starts = grown(this.starts, index + 2);
      this.hashes = grown(this.hashes, index + 2);
    }
    this.starts[index] = from;
    this.starts[index + 1] = to;
    this.hashes[index] = hash;
    if (this.count * 2 > this.slots.length) this.rehash();
    return index;
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 0; index < this.count; index++) {
      let slot = this.hashes[index]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.slots = slots;
  }
}

/** A copy of a typed array at least `length` long, doubling so that appending stays linear. */
export function grown<T extends Uint16Array | Int32Array | Float64Array>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}
