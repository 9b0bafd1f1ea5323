declare const bytePairHandle: unique symbol;

/** A handle that bytePairEncoder made. */
export interface BytePairHandle {
  readonly [bytePairHandle]: true;
}

/** kernels/byte-pair.cc */
export interface BytePairKernels {
  /** @param byteIds [256] @param merges [count, 3] left, right, result */
  bytePairEncoder(byteIds: Int32Array, merges: Int32Array): BytePairHandle;
  /**
   * Encodes a text. The ids are written if they fit, and wait for bytePairIds if they do not.
   * @param classes [0x110000]
   * @returns the number of ids, or -1 - code for a code point that has no class yet
   */
  bytePairEncode(encoder: BytePairHandle, text: string, classes: Uint8Array, ids: Int32Array): number;
  /** The ids of the last text, into an array of exactly their number. */
  bytePairIds(encoder: BytePairHandle, ids: Int32Array): void;
}
