import { expect, test } from 'vitest';
import { benchTrain, parseTrainSize } from './index.ts';

test('reads a size and names what is wrong with one', () => {
  expect(parseTrainSize('6x384x6x256x16x8192')).toEqual({
    layers: 6,
    width: 384,
    heads: 6,
    context: 256,
    batch: 16,
    vocabulary: 8192,
  });
  expect(() => parseTrainSize('6x384')).toThrow(/six positive whole numbers/);
  expect(() => parseTrainSize('6x384x6x0x16x8192')).toThrow(/six positive whole numbers/);
  expect(() => parseTrainSize('2x30x2x8x1x100')).toThrow(/even whole number per head/);
});

test('counts the operations of the mathematics and takes its share of the measured peak', () => {
  const result = benchTrain(parseTrainSize('2x64x2x32x2x300'), 'f32', {
    warmUp: { steps: 2, seconds: 0 },
    timed: { steps: 3, seconds: 0 },
  });
  // Embedding, two blocks (norms, q/k/v, output, gate and up, down with 192 inner units), final norm.
  const block = 64 + 3 * 64 * 64 + 64 * 64 + 64 + 2 * 192 * 64 + 64 * 192;
  expect(result.parameters).toBe(300 * 64 + 2 * block + 64);
  expect(result.gflops).toBeCloseTo((result.tokensPerSecond * (6 * result.parameters + 6 * 2 * 32 * 64)) / 1e9, 6);
  expect(result.tokensPerSecond).toBeCloseTo((2 * 32 * 1000) / result.millisecondsPerStep, 6);
  expect(result.shareOfPeak).toBeCloseTo(result.gflops / result.peakGflops, 9);
  expect(result.shareOfPeak).toBeGreaterThan(0);
  expect(result.shareOfPeak).toBeLessThan(1);
});
