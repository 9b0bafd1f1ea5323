import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { native, type Precision, precision, setPrecision, setThreads, threads } from './addon.ts';

// Sizes around the tile (14, 6, 4), the panel (32, 16, 8), the block of rows (112), the cut of the inner index (448
// steps), single elements, and odd inner sizes, where bf16 has half a pair.
const shapes: [rows: number, inputs: number, outputs: number][] = [
  [1, 1, 1],
  [3, 7, 5],
  [14, 16, 32],
  [15, 17, 33],
  [113, 901, 17],
  [130, 34, 500],
  [901, 33, 40],
  [1, 900, 300],
  [37, 65, 1],
  [200, 3, 65],
  [16, 1, 500],
  [2, 300, 70],
  [1, 1100, 70],
  [1100, 70, 1],
  [70, 1, 300],
  [300, 1, 1],
  [500, 70, 9],
  [64, 48, 48],
];

const available = ['portable', 'avx2', 'avx512', 'avx512bf16', 'amx'];
const supported = available.slice(0, available.indexOf(native().cpuFeatures()) + 1);
const defaultThreads = threads();

afterEach(() => {
  setPrecision('bf16');
  setThreads(defaultThreads);
});

/** Numbers in [-1, 1) from a linear congruential generator. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Numbers of alike magnitude; the same with a few that are not; of all magnitudes. */
function weightsOfAllKinds(count: number): Record<'alike' | 'exceptional' | 'wide', Float32Array> {
  const alike = numbers(count, 3).map((value) => 0.02 * (value + Math.sign(value)));
  const odd = [0, -0, 1e-30, -3e5, 1e-41, 3e38];
  return {
    alike,
    exceptional: alike.map((value, index) => (index % 701 === 5 ? odd[((index / 701) % 6) | 0]! : value)),
    wide: alike.map((value, index) => value * 2 ** ((index * 7) % 61) * 1e-9),
  };
}

/** What a product sees of an operand: itself, or each number rounded to bfloat16 (to nearest, ties to even). */
function operand(values: Float32Array): Float32Array {
  if (precision() === 'f32') return values;
  const bits = new Uint32Array(values.slice().buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = (bits[i]! + 0x7fff + ((bits[i]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer);
}

/** initial[rows, columns] + sum over k of a(i, k) · b(j, k), in float64. */
function reference(
  rows: number,
  columns: number,
  inner: number,
  a: (i: number, k: number) => number,
  b: (j: number, k: number) => number,
  initial?: Float32Array,
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, index) => {
    const i = Math.floor(index / columns);
    const j = index % columns;
    let sum = initial?.[index] ?? 0;
    for (let k = 0; k < inner; k++) sum += a(i, k) * b(j, k);
    return sum;
  });
}

/** Rounding errors of a sum of `inner` products of numbers in [-1, 1) grow with its root. */
function expectClose(actual: Float32Array, expected: Float64Array, inner: number): void {
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  expect(worst / Math.sqrt(inner)).toBeLessThan(1e-5);
}

/** Compared as bytes: element by element takes seconds on large arrays. */
function bits(...arrays: Float32Array[]): string {
  return arrays.map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64')).join();
}

describe.each(['f32', 'bf16'] satisfies Precision[])('matrix products in %s', (name) => {
  it.each(shapes)('agree with float64 for %i rows, %i inputs, %i outputs', (rows, inputs, outputs) => {
    setPrecision(name);
    const kernels = native();
    const [x, weight, dy] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2), numbers(rows * outputs, 3)];
    const [xSeen, weightSeen, dySeen] = [operand(x), operand(weight), operand(dy)];
    const xAt = (i: number, k: number) => xSeen[i * inputs + k]!;
    const weightAt = (j: number, k: number) => weightSeen[j * inputs + k]!;
    const dyAt = (i: number, j: number) => dySeen[i * outputs + j]!;

    const y = numbers(rows * outputs, 4);
    kernels.productForward(x, weight, null, y, rows, inputs, outputs);
    expectClose(y, reference(rows, outputs, inputs, xAt, weightAt), inputs);
    kernels.productForward(x, weight, dy, y, rows, inputs, outputs);
    expectClose(y, reference(rows, outputs, inputs, xAt, weightAt, dy), inputs);

    for (const add of [false, true]) {
      const dx = numbers(rows * inputs, 5);
      const before = add ? dx.slice() : undefined;
      kernels.productInputGradient(dy, weight, dx, add, rows, inputs, outputs);
      expectClose(
        dx,
        reference(rows, inputs, outputs, dyAt, (k, j) => weightAt(j, k), before),
        outputs,
      );
    }
    for (const add of [false, true]) {
      const dWeight = numbers(outputs * inputs, 6);
      const before = add ? dWeight.slice() : undefined;
      kernels.productWeightGradient(dy, x, dWeight, add, rows, inputs, outputs);
      const expected = reference(
        outputs,
        inputs,
        rows,
        (j, i) => dyAt(i, j),
        (k, i) => xAt(i, k),
        before,
      );
      expectClose(dWeight, expected, rows);
    }
  });

  it('have the same bits for any number of threads', () => {
    setPrecision(name);
    const [rows, inputs, outputs] = [261, 1001, 133];
    const [x, weight, dy] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2), numbers(rows * outputs, 3)];
    const results = [1, 2, 3, 7].map((count) => {
      setThreads(count);
      const y = new Float32Array(rows * outputs);
      const dx = new Float32Array(rows * inputs);
      const dWeight = new Float32Array(outputs * inputs);
      const few = new Float32Array(20 * outputs);
      native().productForward(x, weight, dy, y, rows, inputs, outputs);
      native().productInputGradient(dy, weight, dx, false, rows, inputs, outputs);
      native().productWeightGradient(dy, x, dWeight, false, rows, inputs, outputs);
      native().productForward(x.subarray(0, 20 * inputs), weight, null, few, 20, inputs, outputs);
      return bits(y, dx, dWeight, few);
    });
    for (const result of results.slice(1)) expect(result === results[0]).toBe(true);
  });

  // In f32 a row or an output of its own is a matrix times a vector, with an order of its own: see below.
  const fewest = name === 'f32' ? 2 : 1;

  it('give a row the same bits among few, among many and with a packed weight', () => {
    setPrecision(name);
    const [rows, inputs, outputs] = [300, 901, 100];
    const [x, weight] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2)];
    const y = new Float32Array(rows * outputs);
    native().productForward(x, weight, null, y, rows, inputs, outputs);
    const packed = native().packWeight(weight, name, false, inputs, outputs);

    for (const [from, count] of [
      [0, 1],
      [299, 1],
      [17, 5],
      [3, 14],
      [100, 113],
      [0, 300],
    ] as const) {
      const part = x.subarray(from * inputs, (from + count) * inputs);
      const expected = y.subarray(from * outputs, (from + count) * outputs);
      const result = new Float32Array(count * outputs);
      if (count >= fewest) {
        native().productForward(part, weight, null, result, count, inputs, outputs);
        expect(bits(result) === bits(expected)).toBe(true);
      }
      native().productPacked(part, packed, null, result, count);
      expect(bits(result) === bits(expected)).toBe(true);
    }
  });

  it('take 12 bits of bf16 weights that are packed for few rows, where that loses nothing, or the 16 that they have', () => {
    const [inputs, outputs] = [640, 96];
    const { alike, exceptional, wide } = weightsOfAllKinds(outputs * inputs);
    const bytes = (weight: Float32Array, fewRows: boolean) =>
      native().packedBytes(native().packWeight(weight, name, fewRows, inputs, outputs));
    // Tiles read 16 bits where instructions multiply pairs of them, and 32 elsewhere.
    const pairs = ['avx512bf16', 'amx'].includes(native().cpuFeatures());
    const [few, any] = name === 'f32' ? [1, 1] : pairs ? [12 / 16, 1] : [16 / 32, 16 / 32];
    expect(bytes(alike, true)).toBe(few * bytes(alike, false));
    expect(bytes(exceptional, true)).toBe(few * bytes(exceptional, false));
    expect(bytes(wide, true)).toBe(any * bytes(wide, false));
  });

  it('give the same bits with a weight packed for few rows, whatever its numbers are', () => {
    setPrecision(name);
    for (const [inputs, outputs] of [
      [901, 100],
      [64, 32],
      [1, 1],
      [2500, 33],
    ] as const) {
      // Among two of each at least, as a single one may have an order of its own.
      const columns = Math.max(outputs, 2);
      for (const [kind, weights] of Object.entries(weightsOfAllKinds(columns * inputs))) {
        const packed = native().packWeight(weights.subarray(0, outputs * inputs), name, true, inputs, outputs);
        for (const rows of [1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 30, 120]) {
          const among = Math.max(rows, 2);
          const [x, residual] = [numbers(among * inputs, 1), numbers(among * columns, 2)];
          const [y, all] = [new Float32Array(rows * outputs), new Float32Array(among * columns)];
          const corner = (values: Float32Array) =>
            Float32Array.from(y, (_, i) => values[Math.floor(i / outputs) * columns + (i % outputs)]!);
          native().productForward(x, weights, residual, all, among, inputs, columns);
          native().productPacked(x.subarray(0, rows * inputs), packed, corner(residual), y, rows);
          expect(bits(y) === bits(corner(all)), `${kind} ${rows}x${outputs}x${inputs}`).toBe(true);
        }
      }
    }
  });

  it('give a row the same bits with a packed weight larger than a cache, and of many outputs', () => {
    setPrecision(name);
    for (const [inputs, outputs] of [
      [40, 2600],
      [6000, 400],
    ] as const) {
      const [rows, first, few] = [300, 270, 20];
      const [x, weight] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2)];
      for (const format of [name, 'int8'] as const) {
        const packed = native().packWeight(weight, format, false, inputs, outputs);
        const product = (from: number, count: number) => {
          const y = new Float32Array(count * outputs);
          native().productPacked(x.subarray(from * inputs, (from + count) * inputs), packed, null, y, count);
          return y;
        };
        const all = product(0, rows);
        const expected = all.subarray(first * outputs, (first + few) * outputs);
        expect(bits(product(first, few)) === bits(expected), `${format} ${outputs}`).toBe(true);
        setThreads(1);
        expect(bits(product(0, rows)) === bits(all), `${format} ${outputs} on one thread`).toBe(true);
        setThreads(defaultThreads);
      }
    }
  });

  it('give an output the same bits among few and among many', () => {
    setPrecision(name);
    const [rows, inputs, outputs] = [230, 500, 130];
    const [x, weight, dy] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2), numbers(rows * outputs, 3)];
    const y = new Float32Array(rows * outputs);
    const dx = new Float32Array(rows * inputs);
    native().productForward(x, weight, null, y, rows, inputs, outputs);
    native().productInputGradient(dy, weight, dx, false, rows, inputs, outputs);
    for (const count of [1, 2, 3, 4, 5, 8, 16, 17, 33].filter((count) => count >= fewest)) {
      const narrow = new Float32Array(rows * count);
      native().productForward(x, weight.subarray(0, count * inputs), null, narrow, rows, inputs, count);
      const expected = Float32Array.from(narrow, (_, i) => y[Math.floor(i / count) * outputs + (i % count)]!);
      expect(bits(narrow) === bits(expected), `${count} outputs`).toBe(true);

      const few = new Float32Array(count * inputs);
      native().productInputGradient(dy.subarray(0, count * outputs), weight, few, false, count, inputs, outputs);
      expect(bits(few) === bits(dx.subarray(0, count * inputs)), `${count} rows`).toBe(true);
    }
  });

  it('have the same bits for any number of threads and of other outputs with a single row or column', () => {
    setPrecision(name);
    for (const [inputs, outputs] of [
      [1001, 700],
      [64, 300],
      [300, 9],
      [70, 1],
    ] as const) {
      const [x, weight, dy] = [numbers(inputs, 1), numbers(outputs * inputs, 2), numbers(outputs, 3)];
      const results = [1, 2, 3, 7].map((count) => {
        setThreads(count);
        const y = new Float32Array(outputs);
        const column = new Float32Array(outputs);
        const dx = new Float32Array(inputs);
        const dWeight = new Float32Array(inputs);
        native().productForward(x, weight, dy, y, 1, inputs, outputs);
        native().productForward(weight, x, dy, column, outputs, inputs, 1);
        native().productInputGradient(dy, weight, dx, false, 1, inputs, outputs);
        native().productWeightGradient(dy, weight, dWeight, false, outputs, inputs, 1);
        return [y, column, dx, dWeight] as const;
      });
      const [[y, column, dx, dWeight]] = results as [(typeof results)[0]];
      for (const result of results) expect(bits(...result) === bits(y, column, dx, dWeight)).toBe(true);
      expect(bits(column) === bits(y)).toBe(true);
      expect(bits(dWeight) === bits(dx)).toBe(true);

      const few = new Float32Array(Math.ceil(outputs / 2));
      const rows = weight.subarray(0, few.length * inputs);
      const initial = dy.subarray(0, few.length);
      native().productForward(x, rows, initial, few, 1, inputs, few.length);
      expect(bits(few) === bits(y.subarray(0, few.length))).toBe(true);
      native().productForward(rows, x, initial, few, few.length, inputs, 1);
      expect(bits(few) === bits(column.subarray(0, few.length))).toBe(true);
    }
  });

  it('do nothing without rows or outputs, and give what they start from without inputs', () => {
    setPrecision(name);
    const none = new Float32Array(0);
    const [many, start] = [numbers(2100, 1), numbers(900, 2)];
    for (const sums of [1, 7, 30]) {
      const [wide, initial] = [many.subarray(0, sums * 70), start.subarray(0, sums)];
      const y = new Float32Array(sums);
      native().productForward(none, wide, null, none, 0, 70, sums);
      native().productForward(wide, none, null, none, sums, 70, 0);
      native().productWeightGradient(none, wide, none, false, sums, 70, 0);
      native().productForward(none, none, initial, y, 1, 0, sums);
      expect(y).toEqual(initial);
      y.fill(1);
      native().productForward(none, none, initial, y, sums, 0, 1);
      expect(y).toEqual(initial);
      y.fill(1);
      native().productInputGradient(none, none, y, false, 1, sums, 0);
      expect(y).toEqual(new Float32Array(sums));
      const square = start.slice(0, sums * sums);
      native().productWeightGradient(none, none, square, true, 0, sums, sums);
      expect(square).toEqual(start.slice(0, sums * sums));

      for (const fewRows of [false, true]) {
        const packed = native().packWeight(wide, name, fewRows, 70, sums);
        native().productPacked(none, packed, null, none, 0);
      }
    }
  });

  it('leave the numbers around an output alone', () => {
    setPrecision(name);
    const [rows, inputs, outputs] = [15, 33, 19];
    const guarded = new Float32Array(rows * outputs + 64).fill(7);
    const y = guarded.subarray(32, 32 + rows * outputs);
    const [x, weight] = [numbers(rows * inputs, 1), numbers(outputs * inputs, 2)];
    native().productForward(x, weight, null, y, rows, inputs, outputs);
    expect(guarded.subarray(0, 32).every((value) => value === 7)).toBe(true);
    expect(guarded.subarray(-32).every((value) => value === 7)).toBe(true);
  });

  it('carry a NaN into its row only', () => {
    setPrecision(name);
    const x = numbers(30 * 40, 1);
    x[20 * 40 + 39] = Number.NaN;
    const y = new Float32Array(30 * 50);
    native().productForward(x, numbers(50 * 40, 2), null, y, 30, 40, 50);
    expect([...y.keys()].every((i) => Number.isNaN(y[i]) === (Math.floor(i / 50) === 20))).toBe(true);
  });
});

const isaTimeout = 300_000; // a whole test run each
const others = process.env.PARLEY_CPU ? [] : supported.slice(0, -1);

it.each(others)('the %s kernels pass the same tests', { timeout: isaTimeout }, (isa) => {
  const runner = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
  const file = fileURLToPath(import.meta.url);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, [runner, 'run', '--project', 'unit', file, '-t', 'matrix products'], {
    cwd: root,
    env: { ...process.env, PARLEY_CPU: isa },
    stdio: 'pipe',
  });
});

describe('errors', () => {
  const [x, weight, y] = [new Float32Array(6), new Float32Array(12), new Float32Array(8)];

  it('name the kernel, the argument and what was expected', () => {
    expect(() => native().productForward(x, weight, null, y, 2, 3, 5)).toThrow(
      'productForward: weight holds 12 elements, expected 15',
    );
    expect(() => native().productForward(x, weight, new Float32Array(1), y, 2, 3, 4)).toThrow(
      'productForward: residual holds 1 elements, expected 8',
    );
    expect(() => native().productForward(x, weight, null, y, 2.5, 3, 4)).toThrow('rows is 2.5');
    expect(() => native().productForward(x, weight, null, y, -2, 3, 4)).toThrow('expected a whole number >= 0');
  });

  it('refuse wrong types and counts of arguments', () => {
    const untyped = native() as unknown as Record<string, (...values: unknown[]) => void>;
    expect(() => untyped.productForward!(x, weight)).toThrow('called with 2 arguments, expected 7');
    expect(() => untyped.productForward!([1], weight, null, y, 2, 3, 4)).toThrow('x is not a Float32Array');
    expect(() => untyped.productForward!(new Int32Array(6), weight, null, y, 2, 3, 4)).toThrow(
      'x is not a Float32Array',
    );
    expect(() => untyped.productPacked!(x, {}, null, y, 2)).toThrow('weight is not a packed weight');
  });

  it('reach a process that asks for kernels which do not exist', () => {
    const script = `import(${JSON.stringify(new URL('addon.ts', import.meta.url).href)}).then((m) => m.native())`;
    const start = () =>
      execFileSync(process.execPath, ['--import', 'tsx', '-e', script], {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        env: { ...process.env, PARLEY_CPU: 'avx1024' },
        stdio: 'pipe',
      });
    expect(start).toThrow(/PARLEY_CPU is "avx1024", but this processor can run: portable/);
  });
});
