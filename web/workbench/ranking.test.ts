import { expect, test } from 'vitest';
import { closedUp, isTied, isUnchanged, move, newRanking, setRank, toggleTie, unranked } from './ranking.ts';

const shown = ['a', 'b', 'c', 'd'];

test('typed ranks order the page, with ties and gaps, and can be taken away', () => {
  let ranking = newRanking(shown);
  ranking = setRank(ranking, 'c', 1);
  expect(ranking.order).toEqual(['c', 'a', 'b', 'd']);
  ranking = setRank(setRank(ranking, 'd', 3), 'a', 3);
  expect(ranking.order).toEqual(['c', 'd', 'a', 'b']);
  expect(unranked(ranking)).toEqual(['b']);
  expect(isTied(ranking, 'a')).toBe(true);
  expect(closedUp(ranking)).toEqual({ c: 1, a: 2, d: 2 });
  expect(unranked(setRank(ranking, 'c', null))).toEqual(['c', 'b']);
});

test('moving ranks everything by its place and keeps the ties that still touch', () => {
  const moved = move(newRanking(shown), 'd', 0);
  expect(moved).toEqual({ order: ['d', 'a', 'b', 'c'], ranks: { d: 1, a: 2, b: 3, c: 4 } });
  const tied = toggleTie(moved, 'b');
  expect(tied.ranks).toEqual({ d: 1, a: 2, b: 2, c: 3 });
  expect(move(tied, 'c', 0).ranks).toEqual({ c: 1, d: 2, a: 3, b: 3 });
  expect(move(tied, 'b', 0).ranks).toEqual({ b: 1, d: 2, a: 3, c: 4 });
  expect(move(tied, 'c', 2).ranks).toEqual({ d: 1, a: 2, c: 3, b: 4 });
  expect(move(tied, 'a', 99).order).toEqual(['d', 'b', 'c', 'a']);
});

test('ties are made and undone with the answer above', () => {
  const ranking = toggleTie(toggleTie(move(newRanking(shown), 'a', 0), 'b'), 'c');
  expect(ranking.ranks).toEqual({ a: 1, b: 1, c: 1, d: 2 });
  expect(toggleTie(ranking, 'b').ranks).toEqual({ a: 1, b: 2, c: 2, d: 3 });
  expect(toggleTie(ranking, 'a')).toBe(ranking);
});

test('the order in which answers were shown is known again, however it came about', () => {
  expect(isUnchanged(newRanking(shown), shown)).toBe(false);
  expect(isUnchanged(newRanking(shown, { a: 1, b: 2, c: 4, d: 9 }), shown)).toBe(true);
  expect(isUnchanged(newRanking(shown, { a: 1, b: 2, c: 2, d: 3 }), shown)).toBe(false);
  expect(isUnchanged(move(move(newRanking(shown), 'a', 3), 'a', 0), shown)).toBe(true);
});
