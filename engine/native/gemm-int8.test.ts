import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { native, setThreads, threads } from './addon.ts';

const available = ['portable', 'avx2', 'avx512', 'avx512bf16', 'amx'];
const supported = available.slice(0, available.indexOf(native().cpuFeatures()) + 1);
const defaultThreads = threads();

afterEach(() => setThreads(defaultThreads));

/** Numbers in [-1, 1) from a linear congruential generator. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function halfToEven(value: number): number {
  const below = Math.floor(value);
  const isTie = value - below === 0.5;
  return isTie ? below + (below & 1) : Math.round(value);
}

function rotatedTogether(count: number): number {
  let together = 1;
  while (together < 64 && count % (2 * together) === 0) together *= 2;
  return together;
}

/** Groups of numbers multiplied by the Hadamard matrix of +1 and -1, sums rounded as the butterflies round them. */
function rotate(row: Float32Array): Float32Array {
  let rotated = row;
  for (let distance = 1; distance < rotatedTogether(row.length); distance *= 2) {
    const before = rotated;
    rotated = before.map((value, i) => (i & distance ? before[i - distance]! - value : value + before[i + distance]!));
  }
  return rotated;
}

/** The whole numbers of a row and its scale. */
function quantize(unrotated: Float32Array): { whole: Int32Array; scale: number } {
  const row = rotate(unrotated);
  const most = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (most < 1e-30) return { whole: new Int32Array(row.length), scale: 0 };
  const inverse = Math.fround(127 / most);
  return {
    whole: Int32Array.from(row, (value) => halfToEven(Math.fround(value * inverse))),
    scale: Math.fround(most / 127),
  };
}

/** The definition in gemm-int8.h, with its roundings. */
function reference(
  x: Float32Array,
  weight: Float32Array,
  residual: Float32Array | null,
  rows: number,
  inputs: number,
  outputs: number,
): Float32Array {
  const rowsOf = (matrix: Float32Array, count: number) =>
    Array.from({ length: count }, (_, i) => quantize(matrix.subarray(i * inputs, (i + 1) * inputs)));
  const [a, b] = [rowsOf(x, rows), rowsOf(weight, outputs)];
  const together = rotatedTogether(inputs);
  return Float32Array.from({ length: rows * outputs }, (_, index) => {
    const [{ whole: p, scale: rowScale }, { whole: q, scale: columnScale }] = [
      a[Math.floor(index / outputs)]!,
      b[index % outputs]!,
    ];
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += p[k]! * q[k]!;
    const product = Math.fround(Math.fround(sum) * Math.fround((columnScale / together) * rowScale));
    return residual === null ? product : product + residual[index]!;
  });
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, k) => sum + value * b[k]!, 0);
}

function squares(row: Float32Array): number {
  return dot(row, row);
}

function product(
  x: Float32Array | Uint16Array,
  weight: Float32Array,
  residual: Float32Array | null,
  rows: number,
  inputs: number,
  outputs: number,
): Float32Array {
  const packed = native().packWeight(weight, 'int8', false, inputs, outputs);
  const y = new Float32Array(rows * outputs).fill(7);
  native().productPacked(x, packed, residual, y, rows);
  return y;
}

/** Compared as bytes: element by element takes seconds on large arrays. */
function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (array: Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

describe('products with 8-bit weights', () => {
  // Around the tile, the panel, the block of rows, and the cut of the inner index (1792 numbers).
  it.each([
    [1, 1, 1],
    [1, 576, 96],
    [3, 7, 5],
    [8, 64, 32],
    [15, 17, 33],
    [113, 101, 65],
    [2, 1793, 40],
    [115, 3700, 33],
    [37, 65, 1],
  ])('equal the definition to the bit for %i rows, %i inputs, %i outputs', (rows, inputs, outputs) => {
    const [x, weight, residual] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2), numbers(rows * outputs, 3)];
    for (const added of [null, residual]) {
      const expected = reference(x, weight, added, rows, inputs, outputs);
      expect(sameBits(product(x, weight, added, rows, inputs, outputs), expected)).toBe(true);
    }
  });

  it('equal the definition to the bit for any sizes', () => {
    const size = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(size(40), size(200), size(80), size(1000), fc.boolean(), (rows, inputs, outputs, seed, add) => {
        const [x, weight] = [numbers(rows * inputs, seed), numbers(outputs * inputs, seed + 1)];
        const residual = add ? numbers(rows * outputs, seed + 2) : null;
        const expected = reference(x, weight, residual, rows, inputs, outputs);
        return sameBits(product(x, weight, residual, rows, inputs, outputs), expected);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('err no more than two roundings in random directions', () => {
    const [rows, inputs, outputs] = [20, 320, 50];
    const [x, weight] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2)];
    const y = product(x, weight, null, rows, inputs, outputs);
    const together = rotatedTogether(inputs);
    for (let i = 0; i < rows; i++) {
      const row = x.subarray(i * inputs, (i + 1) * inputs);
      const rowStep = quantize(row).scale;
      for (let j = 0; j < outputs; j++) {
        const column = weight.subarray(j * inputs, (j + 1) * inputs);
        const columnStep = quantize(column).scale;
        // An operand rounded to whole steps errs by step / sqrt(12); rotated numbers are sqrt(together) times as long.
        const variance = (row: Float32Array, step: number) => (squares(row) * step * step) / 12 / together;
        const deviation = Math.sqrt(variance(row, columnStep) + variance(column, rowStep));
        const error = y[i * outputs + j]! - dot(row, column);
        expect(Math.abs(error)).toBeLessThan(4.5 * deviation);
      }
    }
  });

  it('err little more for a row with a few large numbers than for one without', () => {
    const [inputs, outputs] = [320, 200];
    const weight = numbers(outputs * inputs, 2);
    const rootMeanSquareError = (x: Float32Array) => {
      const errors = product(x, weight, null, 1, inputs, outputs).map(
        (value, j) => value - dot(x, weight.subarray(j * inputs, (j + 1) * inputs)),
      );
      return Math.sqrt(squares(errors) / outputs);
    };
    const x = numbers(inputs, 1);
    const even = rootMeanSquareError(x);
    x[70] = 20;
    x[200] = -20;
    // By the largest number of the row alone the step, and with it the error, would be 20 times as large.
    expect(rootMeanSquareError(x)).toBeLessThan(4 * even);
  });

  it('have the same bits alone, among others, and for any number of threads', () => {
    const [rows, inputs, outputs] = [130, 901, 100];
    const [x, weight] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2)];
    const all = product(x, weight, null, rows, inputs, outputs);
    for (const count of [1, 2, 3, 7]) {
      setThreads(count);
      expect(sameBits(product(x, weight, null, rows, inputs, outputs), all)).toBe(true);
      for (const row of [0, 13, 129]) {
        const alone = product(x.subarray(row * inputs, (row + 1) * inputs), weight, null, 1, inputs, outputs);
        expect(sameBits(alone, all.subarray(row * outputs, (row + 1) * outputs))).toBe(true);
      }
    }
  });

  it('take rows stored as bf16', () => {
    const [rows, inputs, outputs] = [5, 45, 20];
    const weight = numbers(outputs * inputs, 2);
    const stored = Uint16Array.from(new Uint32Array(numbers(rows * inputs, 1).buffer), (bits) => bits >>> 16);
    const widened = new Float32Array(Uint32Array.from(stored, (half) => half << 16).buffer);
    const [fromStored, expected] = [stored, widened].map((x) => product(x, weight, null, rows, inputs, outputs));
    expect(sameBits(fromStored!, expected!)).toBe(true);
  });

  it('give zeros for rows of zeros, and carry NaN and infinity into their row or column only', () => {
    const [rows, inputs, outputs] = [6, 40, 35];
    const [x, weight] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2)];
    x.fill(0, 0, inputs);
    x[1 * inputs + 39] = Number.NaN;
    x[2 * inputs] = Number.NEGATIVE_INFINITY;
    weight[34 * inputs + 3] = Number.POSITIVE_INFINITY;
    const y = product(x, weight, null, rows, inputs, outputs);
    y.forEach((value, index) => {
      const [i, j] = [Math.floor(index / outputs), index % outputs];
      expect(Number.isNaN(value)).toBe(i === 1 || i === 2 || j === 34);
      if (i === 0 && j < 34) expect(value).toBe(0);
    });
  });

  it('leave the numbers around an output alone', () => {
    const [rows, inputs, outputs] = [15, 2000, 19];
    const guarded = new Float32Array(rows * outputs + 64).fill(7);
    const packed = native().packWeight(numbers(outputs * inputs, 2), 'int8', false, inputs, outputs);
    native().productPacked(numbers(rows * inputs, 1), packed, null, guarded.subarray(32, -32), rows);
    expect(guarded.subarray(0, 32).every((value) => value === 7)).toBe(true);
    expect(guarded.subarray(-32).every((value) => value === 7)).toBe(true);
  });
});

const isaTimeout = 300_000; // a whole test run each
const others = process.env.PARLEY_CPU ? [] : supported.slice(0, -1);

it.each(others)('the %s kernels pass the same tests', { timeout: isaTimeout }, (isa) => {
  const runner = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const file = fileURLToPath(import.meta.url);
  execFileSync(process.execPath, [runner, 'run', '--project', 'unit', file, '-t', '8-bit weights'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, PARLEY_CPU: isa },
    stdio: 'pipe',
  });
});

it('refuses an unknown format', () => {
  const untyped = native() as unknown as Record<string, (...values: unknown[]) => void>;
  expect(() => untyped.packWeight!(new Float32Array(4), 'int4', false, 2, 2)).toThrow(
    'packWeight: format is "int4", expected f32, bf16 or int8',
  );
});
