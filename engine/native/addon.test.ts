import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { cpuFeatures, native, precision, setPrecision, setThreads, threads } from './addon.ts';

const defaultThreads = threads();

afterEach(() => {
  setPrecision('bf16');
  setThreads(defaultThreads);
});

describe('the run time', () => {
  it('sets the number of threads', () => {
    setThreads(3);
    expect(threads()).toBe(3);
    expect(() => setThreads(0)).toThrow('setThreads: count is 0, expected 1 to 256');
    expect(() => setThreads(257)).toThrow('setThreads: count is 257, expected 1 to 256');
  });

  it('sets the precision of products', () => {
    expect(precision()).toBe('bf16');
    setPrecision('f32');
    expect(precision()).toBe('f32');
    expect(() => setPrecision('f16' as never)).toThrow('setPrecision: name is "f16", expected bf16 or f32');
  });

  it('runs the kernels that PARLEY_CPU names, or the best', () => {
    const known = ['portable', 'avx2', 'avx512', 'avx512bf16', 'amx'];
    expect(process.env.PARLEY_CPU ? [process.env.PARLEY_CPU] : known).toContain(cpuFeatures());
  });

  it('measures a peak', () => {
    const f32 = native().measurePeakF32(0.01);
    expect(f32).toBeGreaterThan(0.1);
    expect(native().measurePeakBf16(0.01)).toBeGreaterThan(f32 / 4);
  });
});

describe('reserved memory', () => {
  it('is zeroed and writable to its end', () => {
    const bytes = (2 << 20) + 12;
    const block = new Float32Array(native().reserveBlock(bytes));
    expect(block.byteLength).toBe(bytes);
    expect(block.every((value) => value === 0)).toBe(true);
    block.fill(1);
    expect(block.at(-1)).toBe(1);
  });

  it('is refused with a reason when there is not enough', () => {
    expect(() => native().reserveBlock(2 ** 52)).toThrow(/reserveBlock: could not reserve \d+ MiB of memory/);
  });
});

it('serves several JavaScript threads at once', async () => {
  const addon = process.env.PARLEY_NATIVE ?? fileURLToPath(new URL('build/parley.node', import.meta.url));
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    const native = require(workerData);
    const size = 150;
    const identity = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
    const x = Float32Array.from({ length: size * size }, (_, i) => i % 200);
    let wrong = 0;
    for (let round = 0; round < 100; round++) {
      const y = new Float32Array(size * size);
      native.productForward(x, identity, null, y, size, size, size);
      if (!y.every((value, i) => value === x[i])) wrong++;
    }
    parentPort.postMessage(wrong);`;
  const wrong = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(script, { eval: true, workerData: addon });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  expect(wrong).toEqual([0, 0, 0]);
});
