import { expect, test } from 'vitest';
import { directPreferenceLoss, rankedPairsOf, rankingLoss, thumbLoss } from './preference-loss.ts';

const slope = (loss: (at: number) => number, at: number) => (loss(at + 1e-5) - loss(at - 1e-5)) / 2e-5;

test('a ranking is all pairs that are not tied', () => {
  expect(rankedPairsOf([2, 1, 2, 3])).toEqual([
    [0, 3],
    [1, 0],
    [1, 2],
    [1, 3],
    [2, 3],
  ]);
  expect(rankedPairsOf([1, 1])).toEqual([]);
});

test('the ranking loss has its values by hand', () => {
  // Two answers a margin of log 3 apart: -log(3/4) the right way round, -log(1/4) the wrong one.
  expect(rankingLoss([Math.log(3), 0], [1, 2])).toMatchObject({
    loss: expect.closeTo(Math.log(4 / 3), 12),
    pairs: 1,
    agreed: 1,
  });
  expect(rankingLoss([Math.log(3), 0], [2, 1])).toMatchObject({
    loss: expect.closeTo(Math.log(4), 12),
    pairs: 1,
    agreed: 0,
  });
  // Equal scores: log 2 for each pair, so log 2 on average whatever their number.
  expect(rankingLoss([5, 5, 5, 5], [1, 2, 3, 4]).loss).toBeCloseTo(Math.log(2), 12);
  expect(rankingLoss([5, -5], [1, 1])).toMatchObject({ loss: 0, pairs: 0, gradient: new Float32Array(2) });
});

test('the ranking loss differentiates as finite differences do, and is blind to a shift', () => {
  const [scores, ranking] = [
    [0.3, -1, 2, 0.3],
    [2, 1, 2, 3],
  ];
  const { gradient, loss } = rankingLoss(scores, ranking);
  scores.forEach((score, which) => {
    expect(gradient[which]).toBeCloseTo(
      slope((at) => rankingLoss(scores.with(which, at), ranking).loss, score),
      5,
    );
  });
  expect(gradient.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 6);
  expect(
    rankingLoss(
      scores.map((score) => score + 100),
      ranking,
    ).loss,
  ).toBeCloseTo(loss, 9);
  expect(Number.isFinite(rankingLoss([-1e6, 1e6], [1, 2]).loss)).toBe(true);
});

test.each([true, false])('a thumb pulls its score: up %s', (up) => {
  for (const score of [-3, 0, 0.7]) {
    expect(thumbLoss(score, up).gradient).toBeCloseTo(
      slope((at) => thumbLoss(at, up).loss, score),
      6,
    );
    expect(Math.sign(thumbLoss(score, up).gradient)).toBe(up ? -1 : 1);
  }
});

test("DPO's gradient is its formula: beta times the weight of the misjudged pair, in opposite directions", () => {
  const [advantage, beta] = [-1.7, 0.1];
  const { chosen, rejected, margin, loss } = directPreferenceLoss(advantage, beta);
  expect(loss).toBeCloseTo(-Math.log(1 / (1 + Math.exp(-beta * advantage))), 12);
  expect(chosen).toBeCloseTo(-beta / (1 + Math.exp(beta * advantage)), 12);
  expect(rejected).toBe(-chosen);
  expect(margin).toBeCloseTo(beta * advantage, 12);
  expect(chosen).toBeCloseTo(
    slope((at) => directPreferenceLoss(at, beta).loss, advantage),
    8,
  );
});
