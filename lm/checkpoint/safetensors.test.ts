import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hashFile, SafetensorsFile, writeSafetensors } from './safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'x.safetensors');

/** A file from parts, so that each can be wrong. */
function compose(header: unknown, data: Uint8Array, headerLength?: number): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerLength ?? json.length));
  writeFileSync(path, Buffer.concat([length, json, data]));
}

function readAll(name: string): Float32Array {
  const file = SafetensorsFile.open(path);
  try {
    return file.read(name);
  } finally {
    file.close();
  }
}

describe('safetensors', () => {
  it('reads back the bits that it wrote, names, shapes and metadata too', () => {
    const a = Float32Array.from([1, -0, Math.PI, 1e-45, Number.POSITIVE_INFINITY, 3e38]);
    const hash = writeSafetensors(path, [
      { name: 'a', shape: [2, 3], data: a },
      { name: 'empty', shape: [0, 4], data: new Float32Array(0) },
      { name: 'b', shape: [1], data: Float32Array.of(7) },
    ]);
    expect(hash).toBe(hashFile(path));
    const file = SafetensorsFile.open(path);
    expect(file.metadata).toEqual({ format: 'pt' });
    expect(file.tensors.get('a')).toMatchObject({ dtype: 'F32', shape: [2, 3], size: 6 });
    expect(new Uint32Array(file.read('a').buffer)).toEqual(new Uint32Array(a.buffer));
    expect(file.read('empty')).toHaveLength(0);
    const into = new Float32Array(1);
    expect(file.read('b', into)).toBe(into);
    expect(into[0]).toBe(7);
    file.close();
    expect(Number(readFileSync(path).readBigUInt64LE()) % 8).toBe(0);
  });

  it('rounds BF16 to nearest, ties to even, as PyTorch does', () => {
    // Bits from torch.tensor([...]).to(torch.bfloat16).float(): 1 + 2^-8 is a tie (to even: 1), 1 + 3·2^-8 ties up.
    const values = [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -3.14159274, 3.4e38, Number.NaN];
    const rounded = [1, 1, 1 + 2 ** -6, 1 + 2 ** -7, -3.140625, Number.POSITIVE_INFINITY, Number.NaN];
    writeSafetensors(path, [{ name: 'x', shape: [7], data: Float32Array.from(values) }], { dtype: 'BF16' });
    expect([...readAll('x')]).toEqual(rounded);
  });

  it('reads F16, subnormals and infinities included', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0xfc00, 0x7e00);
    compose({ x: { dtype: 'F16', shape: [8], data_offsets: [0, 16] } }, new Uint8Array(halves.buffer));
    expect([...readAll('x')]).toEqual([1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, Infinity, -Infinity, Number.NaN]);
  });

  it('reads tensors longer than one chunk', () => {
    const data = Float32Array.from({ length: (1 << 22) + 5 }, (_, i) => i);
    writeSafetensors(path, [{ name: 'x', shape: [data.length], data }], { dtype: 'F32' });
    const back = readAll('x');
    expect(back.length).toBe(data.length);
    expect(back.every((value, i) => value === i)).toBe(true);
  });

  const entry = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const faults: [name: string, header: unknown, bytes: number, headerLength: number | undefined, message: RegExp][] = [
    ['a file cut in the data', { x: entry(0, 16) }, 12, undefined, /cut: tensor 'x' ends at byte \d+, the file has/],
    ['a file cut in the header', { x: entry(0, 16) }, 0, 5000, /cut: the header alone needs 5008 bytes/],
    ['a header of 2^60 bytes', {}, 0, 2 ** 60, /claims 1152921504606846976 bytes, over the limit/],
    ['a header that is not JSON', '{"x": ', 0, undefined, /header is not JSON/],
    ['a header that is no object', '[1]', 0, undefined, /not a JSON object/],
    [
      'overlapping tensors',
      { x: entry(0, 8), y: entry(4, 12) },
      12,
      undefined,
      /'y' overlaps the one before it at byte 4/,
    ],
    ['a hole between tensors', { x: entry(0, 4), y: entry(8, 12) }, 12, undefined, /hole of 4 bytes before tensor 'y'/],
    ['bytes after the last tensor', { x: entry(0, 4) }, 8, undefined, /4 bytes follow the last tensor/],
    [
      'a shape that does not fill its offsets',
      { x: entry(0, 8, [3]) },
      8,
      undefined,
      /shape \[3\] in F32 needs 12 bytes/,
    ],
    ['negative offsets', { x: { ...entry(0, 8), data_offsets: [-4, 4] } }, 8, undefined, /entry for 'x' is malformed/],
    [
      'an unknown type',
      { x: { ...entry(0, 8), dtype: 'I64' } },
      8,
      undefined,
      /dtype "I64"; readable are F32, F16, BF16/,
    ],
  ];
  it.each(faults)('refuses %s, naming the file', (_, header, bytes, headerLength, message) => {
    compose(header, new Uint8Array(bytes), headerLength);
    expect(() => SafetensorsFile.open(path)).toThrow(message);
    expect(() => SafetensorsFile.open(path)).toThrow(path);
  });

  it('refuses an empty file, an unknown name and a place of the wrong size', () => {
    writeFileSync(path, '');
    expect(() => SafetensorsFile.open(path)).toThrow(/has 0 bytes, too few for a header/);
    writeSafetensors(path, [{ name: 'x', shape: [2], data: Float32Array.of(1, 2) }]);
    const file = SafetensorsFile.open(path);
    expect(() => file.read('y')).toThrow(/no tensor 'y'/);
    expect(() => file.read('x', new Float32Array(3))).toThrow(/holds 2 values of shape \[2\], not the 3 expected/);
    file.close();
  });
});
