/**
 * Conversions between floats in memory (float32, or bfloat16 in a Uint16Array) and on disk.
 *
 *     F32   1 sign  8 exponent  23 mantissa
 *     BF16  1 sign  8 exponent   7 mantissa    the upper half of an F32
 *     F16   1 sign  5 exponent  10 mantissa    IEEE 754 half
 *
 * Bytes are little-endian, on disk and in memory: every processor that the engine is built for is.
 */

import type { Storage } from '@parley/engine';

/** Bytes per value of each readable type. */
export const floatTypes = { F32: 4, F16: 2, BF16: 2 } as const;
export type FloatType = keyof typeof floatTypes;

/**
 * Converts stored bytes. To float32 that is exact for all three types; to bfloat16 it is for BF16, the others are
 * rounded to nearest, ties to even.
 */
export function bytesToFloats(dtype: FloatType, bytes: Uint8Array, into: Storage): void {
  if (dtype === typeInMemory(into)) {
    new Uint8Array(into.buffer, into.byteOffset, into.byteLength).set(bytes);
    return;
  }
  if (into instanceof Uint16Array) {
    const wide = new Float32Array(into.length);
    bytesToFloats(dtype, bytes, wide);
    bytesToFloats('BF16', floatsToBytes('BF16', wide), into);
    return;
  }
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, into.length);
  if (dtype === 'BF16') {
    const words = new Uint32Array(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < words.length; i++) words[i] = halves[i]! << 16;
  } else {
    for (let i = 0; i < into.length; i++) into[i] = halfToNumber(halves[i]!);
  }
}

/** The type on disk that holds the values as they are. */
export function typeInMemory(values: Storage): 'F32' | 'BF16' {
  return values instanceof Uint16Array ? 'BF16' : 'F32';
}

/**
 * The bytes of `values`: float32 in the given type, where BF16 rounds to nearest, ties to even, as the engine and
 * PyTorch do; bfloat16 as it is.
 */
export function floatsToBytes(dtype: 'F32' | 'BF16', values: Storage): Uint8Array {
  if (dtype === 'F32' || values instanceof Uint16Array) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < halves.length; i++) {
    const word = words[i]!;
    const notANumber = (word & 0x7fffffff) > 0x7f800000;
    // Adding the rounding carry could turn a NaN into infinity: a NaN keeps its upper half, made quiet.
    halves[i] = notANumber ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
