/** How often one of two models gives the better answer, and how sure that is. */
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
  const z = 1.96;
  const middle = (share + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return { winRate: share, interval: [middle - half, middle + half] };
}
