/**
 * Near-duplicate detection by MinHash with locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and
 * Ullman, "Mining of Massive Datasets", chapter 3).
 *
 * A document is the set of its shingles: five tokens in a row, a token being a lower-case word or one Han
 * character. The signature holds, for each of 64 hash functions, the least hash over all shingles; two
 * documents agree in one place with probability J, their Jaccard similarity. Signatures are cut into 16 bands
 * of 4: documents that agree in a whole band become candidates, which happens with probability
 * 1 - (1 - J^4)^16, a steep S: 8 % at J = 0.27, 64 % at 0.5, 99.8 % at 0.75. A candidate counts as a duplicate when
 * the signatures agree in at least 70 % of their places.
 *
 * Documents are added in a fixed order and the first of a family is kept, so the result is a function of the
 * input alone.
 */
import { hash32 } from './random.ts';

const PLACES = 64;
const BANDS = 16;
const ROWS = PLACES / BANDS;
const SHINGLE = 5;
const THRESHOLD = 0.7;

const TOKEN = /\p{Script=Han}|[\p{L}\p{N}]+/gu;

// Odd multipliers and offsets of the 64 hash functions h(x) = mix(a x + b), from a fixed sequence.
const MULTIPLIERS = new Int32Array(PLACES);
const OFFSETS = new Int32Array(PLACES);
for (let i = 0; i < PLACES; i++) {
  MULTIPLIERS[i] = hash32(`multiplier ${i}`) | 1;
  OFFSETS[i] = hash32(`offset ${i}`);
}

/** Unsigned 32-bit signature of 64 places. Texts shorter than a shingle are one shingle. */
export function minHash(text: string): Uint32Array {
  const tokens = text.toLowerCase().match(TOKEN) ?? [];
  const hashes = tokens.map(hash32);
  const signature = new Uint32Array(PLACES).fill(0xffffffff);
  const shingles = Math.max(1, hashes.length - SHINGLE + 1);
  for (let start = 0; start < shingles; start++) {
    let shingle = 0;
    const end = Math.min(start + SHINGLE, hashes.length);
    for (let i = start; i < end; i++) shingle = (Math.imul(shingle, 0x01000193) ^ hashes[i]!) | 0;
    for (let place = 0; place < PLACES; place++) {
      let value = (Math.imul(shingle, MULTIPLIERS[place]!) + OFFSETS[place]!) | 0;
      value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
      value = (value ^ (value >>> 12)) >>> 0;
      if (value < signature[place]!) signature[place] = value;
    }
  }
  return signature;
}

/** Estimated Jaccard similarity of two signatures, 0..1. */
export function similarity(a: Uint32Array, b: Uint32Array): number {
  let equal = 0;
  for (let i = 0; i < PLACES; i++) if (a[i] === b[i]) equal++;
  return equal / PLACES;
}

export class NearDuplicateIndex {
  readonly #signatures: Uint32Array[] = [];
  readonly #bands: Map<string, number>[] = Array.from({ length: BANDS }, () => new Map());

  /** True, and nothing added, if a text like this one was added before. */
  seen(text: string): boolean {
    const signature = minHash(text);
    const keys = this.#bands.map((_, band) => signature.subarray(band * ROWS, (band + 1) * ROWS).join());
    for (let band = 0; band < BANDS; band++) {
      const candidate = this.#bands[band]!.get(keys[band]!);
      if (candidate !== undefined && similarity(this.#signatures[candidate]!, signature) >= THRESHOLD) return true;
    }
    const id = this.#signatures.push(signature) - 1;
    for (let band = 0; band < BANDS; band++) {
      const bucket = this.#bands[band]!;
      if (!bucket.has(keys[band]!)) bucket.set(keys[band]!, id);
    }
    return false;
  }
}
