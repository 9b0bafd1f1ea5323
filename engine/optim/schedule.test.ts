import { expect, test } from 'vitest';
import { learningRateAt, type Schedule } from './schedule.ts';

const base: Schedule = { schedule: 'cosine', learningRate: 2, warmup: 10, floor: 0.1, decayShare: 0.2, steps: 110 };

test.each(['cosine', 'linear', 'wsd'] as const)('%s warms up in a line, peaks, and reaches the floor', (schedule) => {
  const options = { ...base, schedule };
  expect(learningRateAt(0, options)).toBeCloseTo(0.2, 12);
  expect(learningRateAt(4, options)).toBeCloseTo(1, 12);
  expect(learningRateAt(9, options)).toBe(2);
  expect(learningRateAt(10, options)).toBe(2);
  expect(learningRateAt(110, options)).toBeCloseTo(0.2, 12);
  expect(learningRateAt(1000, options)).toBeCloseTo(0.2, 12);
  for (let step = 11; step < 110; step++) {
    expect(learningRateAt(step, options)).toBeLessThanOrEqual(learningRateAt(step - 1, options));
  }
});

test('half way between peak and floor', () => {
  expect(learningRateAt(60, base)).toBeCloseTo(1.1, 12);
  expect(learningRateAt(60, { ...base, schedule: 'linear' })).toBeCloseTo(1.1, 12);
  const stable: Schedule = { ...base, schedule: 'wsd' };
  expect(learningRateAt(88, stable)).toBe(2);
  expect(learningRateAt(99, stable)).toBeCloseTo(1.1, 12);
});

test('without warm-up the first step is at the peak', () => {
  expect(learningRateAt(0, { ...base, warmup: 0 })).toBe(2);
});
