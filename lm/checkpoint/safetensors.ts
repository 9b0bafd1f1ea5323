/**
 * The safetensors format: named tensors in one file, readable without running any code.
 *
 *     8 bytes   length of the header, little-endian
 *     header    JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end] }, ... ,
 *                       "__metadata__": { "format": "pt" } }, padded with spaces to a multiple of 8
 *     data      the tensors' bytes, little-endian, without holes; offsets count from here
 *
 * Format: https://github.com/huggingface/safetensors. Like its reference reader we refuse headers over 100 MB,
 * offsets that overlap, leave holes or reach outside the file, and bytes after the last tensor: a file that passes
 * is exactly as long as its header says, so a cut download or a half-written copy never loads.
 *
 * In memory values are float32, or bfloat16 in a Uint16Array; F32, F16 and BF16 are read, F32 and BF16 are written.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Storage } from '@parley/engine';
import { writeFileAtomic } from './atomic.ts';
import { bytesToFloats, type FloatType, floatsToBytes, floatTypes, typeInMemory } from './float-types.ts';

const longestHeader = 100_000_000;
const chunkBytes = 1 << 24;

/** The file cannot be trusted: cut, damaged or not safetensors at all. The message names the file and the fault. */
export class SafetensorsError extends Error {
  override name = 'SafetensorsError';
  constructor(path: string, fault: string) {
    super(`${path} is not a usable safetensors file: ${fault}; copy or download it again`);
  }
}

export interface StoredTensor {
  readonly dtype: FloatType;
  readonly shape: readonly number[];
  readonly size: number;
  /** First byte of the values, counted from the start of the file. */
  readonly offset: number;
}

/** An opened file: the header is checked at once, values are read when asked for. */
export class SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: number;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
    ({ tensors: this.tensors, metadata: this.metadata } = readHeader(path, file));
  }

  /** @throws SafetensorsError when the header, the offsets or the length of the file are wrong; ENOENT */
  static open(path: string): SafetensorsFile {
    const file = openSync(path, 'r');
    try {
      return new SafetensorsFile(path, file);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /**
   * The values of one tensor, converted to float32 or to the type of `into`.
   * @param into where to put them; must hold exactly the tensor's size. Absent: a new array
   * @throws SafetensorsError when there is no tensor of that name, or `into` has another size
   */
  read(name: string): Float32Array;
  read<Values extends Storage>(name: string, into: Values): Values;
  read(name: string, into?: Storage): Storage {
    const stored = this.tensors.get(name);
    if (!stored) throw new SafetensorsError(this.path, `it holds no tensor '${name}'`);
    if (into && into.length !== stored.size) {
      throw new SafetensorsError(
        this.path,
        `tensor '${name}' holds ${stored.size} values of shape [${stored.shape.join(', ')}], not the ${into.length} expected`,
      );
    }
    const values = into ?? new Float32Array(stored.size);
    const width = floatTypes[stored.dtype];
    const chunk = Buffer.alloc(Math.min(stored.size * width, chunkBytes));
    for (let first = 0; first < stored.size; first += chunkBytes / width) {
      const count = Math.min(chunkBytes / width, stored.size - first);
      const bytes = chunk.subarray(0, count * width);
      readFully(this.path, this.#file, bytes, stored.offset + first * width);
      bytesToFloats(stored.dtype, bytes, values.subarray(first, first + count));
    }
    return values;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/**
 * Writes a file atomically, in the order given.
 * @param dtype how float32 tensors are stored; BF16 rounds to the nearest even. Those in bfloat16 are stored as they are
 * @returns the SHA-256 of the file, in hexadecimal
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<{ name: string; shape: readonly number[]; data: Storage }>,
  { dtype = 'F32', metadata = { format: 'pt' } }: { dtype?: 'F32' | 'BF16'; metadata?: Record<string, string> } = {},
): string {
  const list = Array.from(tensors, ({ name, shape, data }) => {
    const type = typeInMemory(data) === 'BF16' ? 'BF16' : dtype;
    return { name, shape, data, type, width: floatTypes[type] };
  });
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, shape, data, type, width } of list) {
    const begin = end;
    end += data.length * width;
    header[name] = { dtype: type, shape, data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const start = Buffer.alloc(8 + padded, ' ');
  start.writeBigUInt64LE(BigInt(padded));
  json.copy(start, 8);

  const hash = createHash('sha256');
  writeFileAtomic(path, hashed(start));
  return hash.digest('hex');

  function* hashed(first: Uint8Array): Iterable<Uint8Array> {
    hash.update(first);
    yield first;
    for (const { data, type, width } of list) {
      for (let offset = 0; offset < data.length; offset += chunkBytes / width) {
        const bytes = floatsToBytes(type, data.subarray(offset, offset + chunkBytes / width));
        hash.update(bytes);
        yield bytes;
      }
    }
  }
}

/** The SHA-256 of a file's content, in hexadecimal. */
export function hashFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.alloc(1 << 20);
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk))
      hash.update(chunk.subarray(0, count));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}

function readHeader(
  path: string,
  file: number,
): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  const fileBytes = fstatSync(file).size;
  if (fileBytes < 8) throw new SafetensorsError(path, `it has ${fileBytes} bytes, too few for a header`);
  const prefix = Buffer.alloc(8);
  readFully(path, file, prefix, 0);
  const claimedBytes = prefix.readBigUInt64LE();
  if (claimedBytes > longestHeader) {
    throw new SafetensorsError(path, `its header claims ${claimedBytes} bytes, over the limit of ${longestHeader}`);
  }
  const headerBytes = Number(claimedBytes);
  const dataStart = 8 + headerBytes;
  if (dataStart > fileBytes) {
    throw new SafetensorsError(path, `it is cut: the header alone needs ${dataStart} bytes, the file has ${fileBytes}`);
  }
  const text = Buffer.alloc(headerBytes);
  readFully(path, file, text, 8);
  const { __metadata__: metadata = {}, ...entries } = parseObject(path, text.toString('utf8'));

  const tensors = new Map<string, StoredTensor>();
  let previousEnd = 0;
  for (const { name, dtype, shape, begin, end } of parseEntries(path, entries)) {
    if (begin < previousEnd)
      throw new SafetensorsError(path, `tensor '${name}' overlaps the one before it at byte ${begin}`);
    if (begin > previousEnd)
      throw new SafetensorsError(path, `there is a hole of ${begin - previousEnd} bytes before tensor '${name}'`);
    if (dataStart + end > fileBytes) {
      throw new SafetensorsError(
        path,
        `it is cut: tensor '${name}' ends at byte ${dataStart + end}, the file has ${fileBytes}`,
      );
    }
    const size = shape.reduce((product, extent) => product * extent, 1);
    if (size * floatTypes[dtype] !== end - begin) {
      throw new SafetensorsError(
        path,
        `tensor '${name}' of shape [${shape.join(', ')}] in ${dtype} needs ${size * floatTypes[dtype]} bytes, its offsets give ${end - begin}`,
      );
    }
    tensors.set(name, { dtype, shape, size, offset: dataStart + begin });
    previousEnd = end;
  }
  if (dataStart + previousEnd !== fileBytes) {
    throw new SafetensorsError(path, `${fileBytes - dataStart - previousEnd} bytes follow the last tensor`);
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

interface HeaderEntry {
  name: string;
  dtype: FloatType;
  shape: number[];
  begin: number;
  end: number;
}

/** The entries in the order of their bytes. */
function parseEntries(path: string, entries: Record<string, unknown>): HeaderEntry[] {
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const parsed = Object.entries(entries).map(([name, entry]): HeaderEntry => {
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    if (
      !Array.isArray(shape) ||
      !shape.every(isCount) ||
      !Array.isArray(offsets) ||
      offsets.length !== 2 ||
      !offsets.every(isCount) ||
      offsets[1] < offsets[0]
    ) {
      throw new SafetensorsError(path, `the header's entry for '${name}' is malformed`);
    }
    if (typeof dtype !== 'string' || !(dtype in floatTypes)) {
      throw new SafetensorsError(
        path,
        `tensor '${name}' has dtype ${JSON.stringify(dtype)}; readable are ${Object.keys(floatTypes).join(', ')}`,
      );
    }
    return { name, dtype: dtype as FloatType, shape, begin: offsets[0], end: offsets[1] };
  });
  return parsed.sort((a, b) => a.begin - b.begin || a.end - b.end);
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SafetensorsError(path, 'its header is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SafetensorsError(path, 'its header is not a JSON object');
  }
  return value as Record<string, unknown>;
}

function readFully(path: string, file: number, into: Uint8Array, position: number): void {
  for (let offset = 0; offset < into.length; ) {
    const count = readSync(file, into, offset, into.length - offset, position + offset);
    if (count === 0) throw new SafetensorsError(path, 'it was cut while it was read');
    offset += count;
  }
}
