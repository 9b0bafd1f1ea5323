/** Byte-pair encoding of text in native code (native/kernels/byte-pair.cc). */
import { type BytePairHandle, native } from './native/addon.ts';

/** Ids must be below this. */
export const BYTE_PAIR_IDS = 1 << 20;

/** What kind of character each code point is, in the bits of native/kernels/word-scanner.h. */
export interface CharacterClasses {
  /** [0x110000], 0 for code points that have not been looked at. */
  table: Uint8Array;
  /** Fills in at least the class of `code`; called for the first text that holds it. */
  classify: (code: number) => void;
}

export class BytePairEncoder {
  private readonly handle: BytePairHandle;
  private readonly classes: CharacterClasses;
  /** Takes the ids of a usual prompt without a second call. */
  private readonly few = new Int32Array(1024);

  /**
   * @param byteIds [256] the token of each byte; negative where the vocabulary lacks it: such bytes are dropped
   * @param merges [count, 3] in order of learning: left, right, result
   * @throws Error for an id that is not below {@link BYTE_PAIR_IDS}
   */
  constructor(byteIds: Int32Array, merges: Int32Array, classes: CharacterClasses) {
    this.handle = native().bytePairEncoder(byteIds, merges);
    this.classes = classes;
  }

  /** Lone surrogates count as U+FFFD. The result is overwritten by the next call. */
  encode(text: string): Int32Array {
    const { table, classify } = this.classes;
    for (;;) {
      const count = native().bytePairEncode(this.handle, text, table, this.few);
      if (count < 0) {
        classify(-1 - count);
        continue;
      }
      if (count <= this.few.length) return this.few.subarray(0, count);
      const ids = new Int32Array(count);
      native().bytePairIds(this.handle, ids);
      return ids;
    }
  }
}
