import { Random } from '@parley/engine';
import { wilsonInterval } from '@parley/lm/losses';
import { expect, test } from 'vitest';
import { type Choice, winRateOf } from './win-rate.ts';

const votes = (choices: Choice[]) => choices.map((choice, index) => ({ item: String(index), choice }));

test('ties and two bad answers are half a win', () => {
  const result = winRateOf(votes(['left', 'left', 'tie', 'bad', 'right']));
  expect(result).toMatchObject({ votes: 5, left: 2, right: 1, ties: 1, bothBad: 1, winRate: 0.6 });
  expect(winRateOf([])).toMatchObject({ votes: 0, winRate: null, interval: null });
});

test('what the other model wins is what is left', () => {
  const choices: Choice[] = ['left', 'left', 'right', 'tie', 'left', 'bad'];
  const swapped = choices.map((choice) => (choice === 'left' ? 'right' : choice === 'right' ? 'left' : choice));
  const [ours, theirs] = [winRateOf(votes(choices)), winRateOf(votes(swapped))];
  expect(ours.winRate! + theirs.winRate!).toBeCloseTo(1, 12);
  expect(ours.interval![0]).toBeCloseTo(1 - theirs.interval![1], 12);
});

test('Wilson’s interval has the published values and stays within 0 and 1', () => {
  // Newcombe 1998, table I, method 3 (score without continuity correction).
  const published: [number, number, number, number][] = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [wins, count, low, high] of published) {
    const [ourLow, ourHigh] = wilsonInterval(wins / count, count);
    expect(ourLow).toBeCloseTo(low, 4);
    expect(ourHigh).toBeCloseTo(high, 4);
  }
  expect(wilsonInterval(1, 3)[1]).toBe(1);
});

test('the interval holds the truth about 95 times in a hundred, and more with ties', () => {
  const random = new Random(4);
  const covers = (win: number, tie: number) => {
    let held = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const choices = Array.from({ length: 60 }, (): Choice => {
        const drawn = random.next();
        return drawn < win ? 'left' : drawn < win + tie ? 'tie' : 'right';
      });
      const [low, high] = winRateOf(votes(choices)).interval!;
      const truth = win + tie / 2;
      if (low <= truth && truth <= high) held++;
    }
    return held / 2000;
  };
  expect(covers(0.6, 0)).toBeGreaterThan(0.93);
  expect(covers(0.6, 0)).toBeLessThan(0.97);
  expect(covers(0.4, 0.3)).toBeGreaterThan(0.96);
});

test('several votes on one prompt are one observation', () => {
  const once = winRateOf(votes(['left', 'right', 'left', 'tie']));
  const thrice = winRateOf(votes(['left', 'right', 'left', 'tie']).flatMap((vote) => [vote, vote, vote]));
  expect(thrice.votes).toBe(12);
  expect([thrice.winRate, thrice.interval]).toEqual([once.winRate, once.interval]);
});
