/**
 * A small seeded generator for choices in data: which template, which order, which operand. Mulberry32:
 * 32 bits of state, the same sequence on every machine. Training itself draws from the engine's `Random`.
 */
export class Choice {
  #state: number;

  constructor(seed: number | string) {
    this.#state = typeof seed === 'string' ? hash32(seed) : seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Uniform integer in [low, high], both ends included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One element; throws on an empty list. */
  of<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('cannot choose from an empty list');
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** Fisher-Yates, in place. */
  shuffle<T extends unknown[] | Int32Array>(list: T): T {
    for (let i = list.length - 1; i > 0; i--) {
      const j = Math.floor(this.next() * (i + 1));
      const held = list[i]!;
      list[i] = list[j]!;
      list[j] = held;
    }
    return list;
  }

  /** `count` different elements in random order; all of them when the list is shorter. */
  sample<T>(list: readonly T[], count: number): T[] {
    return this.shuffle([...list]).slice(0, count);
  }
}

/** FNV-1a over UTF-16 units with a final mix, unsigned 32 bits. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Whether the thing named `key` belongs to the held-out part: a stable function of its name alone. */
export function heldOut(key: string, share: number): boolean {
  return hash32(`held out: ${key}`) / 2 ** 32 < share;
}
