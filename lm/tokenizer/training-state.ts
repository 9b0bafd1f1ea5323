/**
 * A tokenizer training that was interrupted, as the bytes of one file: a line of JSON that describes the
 * arrays, the arrays one after the other (little-endian), and the SHA-256 of all that.
 */
import { createHash } from 'node:crypto';
import type { CountedWords } from './word-counts.ts';

export type TrainingState =
  /** Some documents counted. */
  | ({ phase: 'counting'; documents: number; bytes: number } & CountedWords)
  /** All documents counted, some merges made: symbols of all words, and two ids per merge. */
  | {
      phase: 'merging';
      documents: number;
      bytes: number;
      symbols: Int32Array;
      ends: Int32Array;
      counts: Float64Array;
      merges: Int32Array;
    };

const FORMAT = 'parley-tokenizer-training/1';
const ARRAYS = { Uint16Array, Int32Array, Float64Array };
const HASH_BYTES = 32;

export function packTrainingState(state: TrainingState): Uint8Array {
  const plain: Record<string, unknown> = { format: FORMAT };
  const arrays: { name: string; type: string; length: number }[] = [];
  const parts: Uint8Array[] = [];
  for (const [name, value] of Object.entries(state)) {
    if (!ArrayBuffer.isView(value)) {
      plain[name] = value;
      continue;
    }
    const array = value as Uint16Array | Int32Array | Float64Array;
    arrays.push({ name, type: array.constructor.name, length: array.length });
    parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  const body = Buffer.concat([Buffer.from(`${JSON.stringify({ ...plain, arrays })}\n`), ...parts]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/** @throws Error if the bytes are not a whole state */
export function unpackTrainingState(bytes: Uint8Array): TrainingState {
  const body = bytes.subarray(0, Math.max(0, bytes.length - HASH_BYTES));
  const hash = createHash('sha256').update(body).digest();
  if (bytes.length <= HASH_BYTES || !hash.equals(bytes.subarray(body.length))) {
    throw new Error(
      `the saved tokenizer training (${bytes.length} bytes) is truncated or corrupt: delete it to start again`,
    );
  }
  const lineEnd = body.indexOf(0x0a);
  const { format, arrays, ...plain } = JSON.parse(Buffer.from(body.subarray(0, lineEnd)).toString('utf8')) as {
    format: string;
    arrays: { name: string; type: keyof typeof ARRAYS; length: number }[];
  };
  if (format !== FORMAT) {
    throw new Error(
      `the saved tokenizer training has the format ${format}, expected ${FORMAT}: delete it to start again`,
    );
  }
  const state: Record<string, unknown> = plain;
  let at = lineEnd + 1;
  for (const { name, type, length } of arrays) {
    const size = length * ARRAYS[type].BYTES_PER_ELEMENT;
    // A copy, because views must start at multiples of their element size.
    const copy = new Uint8Array(size);
    copy.set(body.subarray(at, at + size));
    state[name] = new ARRAYS[type](copy.buffer);
    at += size;
  }
  return state as unknown as TrainingState;
}
