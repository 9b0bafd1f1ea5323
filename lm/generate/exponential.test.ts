import { expect, it } from 'vitest';
import { exponential } from './exponential.ts';

it('is Math.exp up to 1e-8, down to where doubles end', () => {
  for (let x = 0; x > -700; x -= 0.0137) expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-8);
  expect(exponential(0)).toBe(1);
  expect(exponential(-1e9)).toBe(0);
  expect(exponential(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(exponential(Number.NaN)).toBeNaN();
});
