import { expect, test } from 'vitest';
import { winRateOf } from './win-rate.ts';

test('ties count half, and the interval is the published one', () => {
  expect(winRateOf([1, 2, 3, 4], [0, 2, 5, 4]).winRate).toBe(0.5);
  // 81 of 263, an example of Newcombe (1998): 0.2553 to 0.3662.
  const ours = Array.from({ length: 263 }, (_, index) => Number(index < 81));
  const { interval } = winRateOf(
    ours,
    ours.map((value) => 1 - value),
  );
  expect(interval[0]).toBeCloseTo(0.2553, 3);
  expect(interval[1]).toBeCloseTo(0.3662, 3);
});
