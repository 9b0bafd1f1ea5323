import type { KeyValueCache } from '@parley/engine';

/** A beginning shared with a slot in use is taken from there if it is this much longer than what a free slot holds. */
const worthForking = 32;

/**
 * The slots of a key/value cache, and the tokens whose keys and values each of them holds.
 *
 * A slot keeps what it holds when its request leaves. The next request takes the free slot that holds the longest
 * beginning of its prompt, such as the earlier turns of a chat, and computes only the rest; a longer beginning in a slot
 * that is in use is copied from there, which shares its pages:
 *
 *     slot 0  free    S S S a b c           prompt  S S S a b x y    takes slot 0 and goes on from x
 *     slot 1  in use  S S S … S d e f       prompt  S S S … S x      takes slot 0 with slot 1's beginning
 */
export class Slots {
  /** Most tokens of a slot. */
  readonly context: number;
  /** [slots, context] prompt and answer of the request in each slot, or of the last one. */
  readonly tokens: Int32Array;
  readonly #cache: KeyValueCache;
  /** How many of them the cache holds. */
  readonly #held: Int32Array;
  /** Those that left longest ago come first. */
  readonly #free: number[];

  constructor(count: number, context: number, cache: KeyValueCache) {
    this.context = context;
    this.tokens = new Int32Array(count * context);
    this.#cache = cache;
    this.#held = new Int32Array(count);
    this.#free = Array.from({ length: count }, (_, slot) => slot);
  }

  get count(): number {
    return this.#held.length;
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  /** Where a slot's tokens begin. */
  startOf(slot: number): number {
    return slot * this.context;
  }

  /**
   * Puts a prompt into a free slot, of which there must be one.
   * @returns the slot, and how many of the prompt's tokens it holds: never the last one, whose logits are needed
   */
  take(prompt: readonly number[]): { slot: number; held: number } {
    const shared = Array.from(this.#held, (_, slot) => this.#sharedBeginning(slot, prompt));
    const longest = (slots: number[]) => slots.reduce((best, slot) => (shared[slot]! > shared[best]! ? slot : best));
    // The first of equals is the one with the oldest content.
    let slot = longest(this.#free);
    const source = longest(shared.map((_, index) => index));
    if (shared[source]! >= shared[slot]! + worthForking) {
      slot = this.#free[0]!;
      this.#cache.fork(source, slot, shared[source]!);
      shared[slot] = shared[source]!;
    }
    this.#free.splice(this.#free.indexOf(slot), 1);
    const held = shared[slot]!;
    this.#held[slot] = held;
    this.tokens.set(prompt, this.startOf(slot));
    return { slot, held };
  }

  /** The cache holds so many of a slot's tokens now. */
  hold(slot: number, count: number): void {
    this.#held[slot] = count;
  }

  /** Gives a slot back, with what it holds. */
  release(slot: number): void {
    this.#free.push(slot);
  }

  #sharedBeginning(slot: number, prompt: readonly number[]): number {
    const start = this.startOf(slot);
    const end = Math.min(this.#held[slot]!, prompt.length - 1);
    let length = 0;
    while (length < end && this.tokens[start + length] === prompt[length]) length++;
    return length;
  }
}
