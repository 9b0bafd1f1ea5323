/**
 * How well a reward model orders answers that it has not learned from: agreement with people per language and per
 * difference of length, how often it prefers the longer answer, and whether its certainty is justified.
 */
import type { Episode } from '@parley/lm/episodes';
import { rankedPairsOf, sigmoid } from '@parley/lm/losses';
import type { EncodedComparison } from './preference-data.ts';

interface Agreement {
  pairs: number;
  /** Share of pairs ordered as people did. */
  accuracy: number;
}

export interface RewardQuality extends Agreement {
  byLanguage: Record<string, Agreement>;
  /** By how many tokens the preferred answer is longer than the other. */
  byLength: Record<string, Agreement>;
  longerWins: {
    /** Share of the pairs of different length in which the reward model prefers the longer answer. */
    model: number;
    /** The same of the people: a rule that knows nothing else would be right this often. */
    people: number;
  };
  /** How often the answer that the model puts first with this certainty is the one that people put first. */
  calibration: { from: number; to: number; pairs: number; predicted: number; observed: number }[];
}

interface Pair {
  margin: number;
  longer: number;
  language: string;
}

const lengthBuckets = [
  { name: 'shorter by more than 8', holds: (longer: number) => longer < -8 },
  { name: 'within 8 tokens', holds: (longer: number) => Math.abs(longer) <= 8 },
  { name: 'longer by more than 8', holds: (longer: number) => longer > 8 },
];

/** @param measure gives one score per episode */
export function rewardQuality(
  comparisons: readonly EncodedComparison[],
  measure: (episodes: Episode[]) => Float32Array,
): RewardQuality {
  const scores = measure(comparisons.flatMap(({ episodes }) => episodes));
  let first = 0;
  const pairs = comparisons.flatMap(({ episodes, ranking, language }) => {
    const own = scores.subarray(first, first + episodes.length);
    first += episodes.length;
    return rankedPairsOf(ranking).map(
      ([better, worse]): Pair => ({
        margin: own[better]! - own[worse]!,
        longer: episodes[better]!.answer.length - episodes[worse]!.answer.length,
        language,
      }),
    );
  });
  const unequal = pairs.filter(({ longer }) => longer !== 0);
  const languages = [...new Set(pairs.map(({ language }) => language))].sort();
  return {
    ...agreementOf(pairs),
    byLanguage: Object.fromEntries(
      languages.map((name) => [name, agreementOf(pairs.filter(({ language }) => language === name))]),
    ),
    byLength: Object.fromEntries(
      lengthBuckets.map(({ name, holds }) => [name, agreementOf(pairs.filter(({ longer }) => holds(longer)))]),
    ),
    longerWins: {
      model: shareOf(unequal, ({ margin, longer }) => margin > 0 === longer > 0),
      people: shareOf(unequal, ({ longer }) => longer > 0),
    },
    calibration: [0.5, 0.6, 0.7, 0.8, 0.9].map((from) => {
      const inside = pairs.filter(({ margin }) => {
        const certainty = sigmoid(Math.abs(margin));
        return certainty >= from && (certainty < from + 0.1 || from === 0.9);
      });
      const predicted = inside.reduce((sum, { margin }) => sum + sigmoid(Math.abs(margin)), 0);
      return {
        from,
        to: Number((from + 0.1).toFixed(1)),
        pairs: inside.length,
        predicted: predicted / Math.max(1, inside.length),
        observed: agreementOf(inside).accuracy,
      };
    }),
  };
}

const agreementOf = (pairs: readonly Pair[]): Agreement => ({
  pairs: pairs.length,
  accuracy: shareOf(pairs, ({ margin }) => margin > 0),
});

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}
