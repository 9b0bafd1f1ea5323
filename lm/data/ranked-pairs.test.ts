import { Random } from '@parley/engine';
import { expect, test } from 'vitest';
import { mergeRankings } from './ranked-pairs.ts';

const times = (count: number, ranking: number[]) => Array.from({ length: count }, () => ranking);

test('one ranking is itself, with ranks closed up', () => {
  expect(mergeRankings([[3, 1, 2]])).toEqual([3, 1, 2]);
  expect(mergeRankings([[5, 2, 5]])).toEqual([2, 1, 2]);
});

test('elects the capital of Tennessee', () => {
  // Memphis, Nashville, Chattanooga, Knoxville; 42, 26, 15 and 17 per cent of the voters live nearest to each.
  const votes = [
    ...times(42, [1, 2, 3, 4]),
    ...times(26, [4, 1, 2, 3]),
    ...times(15, [4, 3, 1, 2]),
    ...times(17, [4, 3, 2, 1]),
  ];
  expect(mergeRankings(votes)).toEqual([4, 1, 2, 3]);
});

test('a circle is cut where it is weakest', () => {
  // a over b 7:2, b over c 6:3, c over a 5:4.
  expect(mergeRankings([...times(4, [1, 2, 3]), ...times(3, [2, 3, 1]), ...times(2, [3, 1, 2])])).toEqual([1, 2, 3]);
});

test('opposite opinions tie', () => {
  expect(
    mergeRankings([
      [1, 2],
      [2, 1],
    ]),
  ).toEqual([1, 1]);
});

test('puts a Condorcet winner first and never depends on the order of the voters', () => {
  const random = new Random(2);
  for (let round = 0; round < 300; round++) {
    const count = 2 + random.integer(5);
    const votes = Array.from({ length: 1 + random.integer(6) }, () =>
      Array.from({ length: count }, () => 1 + random.integer(count)),
    );
    const merged = mergeRankings(votes);
    expect(mergeRankings([...votes].reverse())).toEqual(merged);
    const beats = (a: number, b: number) =>
      votes.filter((vote) => vote[a]! < vote[b]!).length > votes.filter((vote) => vote[b]! < vote[a]!).length;
    const winner = merged.findIndex((_, a) => merged.every((_, b) => a === b || beats(a, b)));
    if (winner >= 0) {
      expect(merged[winner]).toBe(1);
      expect(merged.filter((rank) => rank === 1)).toHaveLength(1);
    }
  }
});
