import { expect, test } from 'vitest';
import { benchGemm } from './gemm.ts';

test('a shape is measured in every direction and precision, beside the peak', () => {
  const { peakGflops, shapes } = benchGemm([{ m: 40, n: 30, k: 50 }], ['bf16', 'f32'], 1);
  expect(shapes.map(({ direction, precision }) => `${direction} ${precision}`)).toEqual([
    'forward bf16',
    'forward f32',
    'dX bf16',
    'dX f32',
    'dW bf16',
    'dW f32',
  ]);
  for (const { m, n, k, precision, gflops, shareOfPeak } of shapes) {
    expect([m, n, k]).toEqual([40, 30, 50]);
    expect(gflops).toBeGreaterThan(0);
    expect(shareOfPeak).toBeCloseTo(gflops / peakGflops[precision]);
  }
});
