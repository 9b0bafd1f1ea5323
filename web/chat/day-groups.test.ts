import { expect, test } from 'vitest';
import { groupByDay } from './day-groups.ts';

const now = new Date(2025, 2, 15, 9, 30);
const at = (...parts: [number, number, number, number?, number?]) => {
  const updatedAt = new Date(...parts).getTime();
  return { id: String(updatedAt), title: '', assistantId: null, pinned: false, createdAt: updatedAt, updatedAt };
};

test('days are calendar days, not spans of 24 hours', () => {
  const groups = groupByDay([at(2025, 2, 15, 0, 0), at(2025, 2, 14, 23, 59), at(2025, 2, 14, 0, 0)], now);
  expect(groups.map(({ label, conversations }) => [label, conversations.length])).toEqual([
    ['today', 1],
    ['yesterday', 2],
  ]);
});

test('older ones are grouped by week, month and then by calendar month', () => {
  const list = [at(2025, 2, 9), at(2025, 1, 20), at(2025, 1, 2), at(2025, 0, 30), at(2024, 0, 30)];
  expect(groupByDay(list, now).map(({ label }) => label)).toEqual([
    'week',
    'month',
    { year: 2025, month: 1 },
    { year: 2025, month: 0 },
    { year: 2024, month: 0 },
  ]);
});

test('a clock that runs behind the server still says today', () => {
  expect(groupByDay([at(2025, 2, 16)], now)[0]?.label).toBe('today');
});
