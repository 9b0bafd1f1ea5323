/** How often one of two models gives the better answer, and how sure that is. */
import type { ComparisonResult } from '@parley/contracts';

export type Choice = 'left' | 'right' | 'tie' | 'bad';

export interface Vote {
  /** What was judged. */
  item: string;
  choice: Choice;
}

/** Of the left model. Ties, and two bad answers, are half a win. */
const worth: Record<Choice, number> = { left: 1, tie: 0.5, bad: 0.5, right: 0 };

/**
 * Several votes on one prompt are one observation, their mean: people who read the same two answers do not make the
 * sample larger. Wilson's interval is made for wins and losses; with ties it is somewhat too wide.
 */
export function winRateOf(votes: readonly Vote[]): ComparisonResult {
  const count = (choice: Choice) => votes.filter((vote) => vote.choice === choice).length;
  const perItem = new Map<string, number[]>();
  for (const { item, choice } of votes) perItem.set(item, [...(perItem.get(item) ?? []), worth[choice]]);
  const scores = [...perItem.values()].map(mean);
  const winRate = scores.length === 0 ? null : mean(scores);
  return {
    votes: votes.length,
    ...{ left: count('left'), right: count('right'), ties: count('tie'), bothBad: count('bad') },
    winRate,
    interval: winRate === null ? null : wilsonInterval(winRate, scores.length),
  };
}

/** 95 % interval of a share that was observed `count` times (Wilson 1927). */
export function wilsonInterval(share: number, count: number): [low: number, high: number] {
  const z = 1.959964;
  const middle = (share + z ** 2 / (2 * count)) / (1 + z ** 2 / count);
  const half = (z / (1 + z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
