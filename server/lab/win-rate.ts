/** How often one of two models gives the better answer, and how sure that is. */
import type { ComparisonResult } from '@parley/contracts';
import { wilsonInterval } from '@parley/lm/losses';

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
 * sample larger.
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

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
