import { describe, expect, test } from 'vitest';
import { agreementByPerson, agreementOn, kendallTau } from './agreement.ts';
import { streakUntil } from './overview.ts';

describe('kendallTau', () => {
  test.each([
    ['the same order', [1, 2, 3, 4], [1, 2, 3, 4], 1],
    ['the reverse', [1, 2, 3, 4], [4, 3, 2, 1], -1],
    ['one of six pairs swapped: (5 − 1) / 6', [1, 2, 3, 4], [1, 2, 4, 3], 4 / 6],
    ['a tie in one: 5 / √(5 · 6)', [1, 2, 2, 3], [1, 2, 3, 4], 5 / Math.sqrt(30)],
    ['the same tie in both', [1, 2, 2], [1, 3, 3], 1],
    ['unrelated: two alike, two not, of four that both order', [1, 1, 2, 2], [1, 2, 1, 2], 0],
  ])('%s', (_name, one, other, tau) => {
    expect(kendallTau(one, other)).toBeCloseTo(tau, 12);
    expect(kendallTau(other, one)).toBeCloseTo(tau, 12);
  });

  test('somebody who ties everything agrees with nobody and disagrees with nobody', () => {
    expect(kendallTau([1, 1, 1], [1, 2, 3])).toBeNull();
  });
});

test('agreement on a task is the mean over pairs of people', () => {
  // Ann and Bo agree, Cy reverses both: (1 − 1 − 1) / 3.
  expect(
    agreementOn([
      [1, 2, 3],
      [1, 2, 3],
      [3, 2, 1],
    ]),
  ).toBeCloseTo(-1 / 3, 12);
  expect(agreementOn([[1, 2]])).toBeNull();
});

test('agreement of a person is the mean over their partners on all tasks', () => {
  const ranked = (taskId: string, userId: string, ...ranking: number[]) => ({ taskId, userId, ranking });
  const found = agreementByPerson([
    ranked('t', 'ann', 1, 2, 3),
    ranked('t', 'bo', 1, 2, 3),
    ranked('t', 'cy', 3, 2, 1),
    ranked('u', 'ann', 1, 2),
    ranked('u', 'bo', 2, 1),
    ranked('v', 'dee', 1, 2),
  ]);
  // Ann: 1 with Bo and −1 with Cy on t, −1 with Bo on u.
  expect(found.get('ann')).toEqual({ tau: -1 / 3, tasks: 2, people: 2 });
  expect(found.get('cy')).toEqual({ tau: -1, tasks: 1, people: 2 });
  expect(found.has('dee')).toBe(false);
});

test('a streak ends today, or yesterday while today may still come', () => {
  expect(streakUntil(10, new Set([10, 9, 8, 6]))).toBe(3);
  expect(streakUntil(10, new Set([9, 8]))).toBe(2);
  expect(streakUntil(10, new Set([8, 7]))).toBe(0);
});
