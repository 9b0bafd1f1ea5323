import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCutOff } from './cut-off.ts';

/** What a cut-off keeps, largest first. */
function kept(weights: number[], target: number, measure: 'count' | 'sum'): number[] {
  let { weight: edge, ties } = findCutOff(Float64Array.from(weights), target, measure);
  return weights.filter((weight) => weight > edge || (weight === edge && ties-- > 0)).sort((a, b) => b - a);
}

/** Small whole numbers: sums are exact and equals are many. */
const weights = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 40 });

describe('findCutOff', () => {
  it('keeps the k largest', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 45 }), (values, k) => {
        expect(kept(values, k, 'count')).toEqual([...values].sort((a, b) => b - a).slice(0, k));
      }),
    );
  });

  it('keeps the fewest of the largest that reach the sum', () => {
    fc.assert(
      fc.property(weights, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
        const target = share * values.reduce((a, b) => a + b, 0);
        fc.pre(target > 0);
        const expected: number[] = [];
        for (const weight of [...values].sort((a, b) => b - a)) {
          if (expected.reduce((a, b) => a + b, 0) >= target) break;
          expected.push(weight);
        }
        expect(kept(values, target, 'sum')).toEqual(expected);
      }),
    );
  });

  it('takes linear time on equal, sorted and reversed weights', () => {
    const count = 200_000;
    for (const value of [() => 1, (i: number) => i, (i: number) => count - i]) {
      const start = process.cpuUsage();
      expect(
        kept(
          Array.from({ length: count }, (_, i) => value(i)),
          count / 2,
          'count',
        ),
      ).toHaveLength(count / 2);
      expect(process.cpuUsage(start).user / 1e6).toBeLessThan(2);
    }
  });
});
