/** How often one of two models gives the better answer, and how sure that is. */
import { wilsonInterval } from '@parley/lm/losses';

export interface WinRate {
  /** Share of the comparisons won, ties counted half. */
  winRate: number;
  /** 95 % interval (Wilson 1927). */
  interval: [low: number, high: number];
}

/** @param ours one score per comparison @param theirs the other model's */
export function winRateOf(ours: readonly number[], theirs: readonly number[]): WinRate {
  const count = ours.length;
  const wins = ours.reduce((sum, score, index) => sum + (Math.sign(score - theirs[index]!) + 1) / 2, 0);
  const share = wins / count;
  return { winRate: share, interval: wilsonInterval(share, count) };
}
