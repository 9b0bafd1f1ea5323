/**
 * A labeller for loops that nobody has ranked answers for yet. It knows the right answers to a demonstration's question
 * and prefers, of other answers, what anybody could check beside them:
 *
 *     2                          it is right: one of the accepted answers, as evaluation compares them
 *     0 … 1                      it is not, but has pairs of characters in common with the nearest of them (Dice 1945)
 *     − 1                        it does not end by itself
 *     − 1                        it is in another language
 *     − share of its characters  it repeats itself more than the demonstration does
 *
 * That stands in for people and is not like them: it knows nothing of manners, and of right answers to open questions.
 */
import type { Demonstration } from '@parley/contracts';
import { checkAnswer, languageOf } from '@parley/lm/data';

export interface WrittenAnswer {
  text: string;
  /** Whether it ended by itself. */
  ended: boolean;
}

/** Of a right answer. */
export const best = 2;

/** @returns at most `best` */
export function qualityOf(demonstration: Demonstration, { text, ended }: WrittenAnswer): number {
  const reply = demonstration.messages.at(-1)!.content;
  const accepted = demonstration.answers ?? [reply];
  let quality = checkAnswer(demonstration, text)
    ? best
    : Math.max(...accepted.map((answer) => closeness(answer, text)));
  if (!ended) quality -= 1;
  if (!sameLanguage(demonstration, text)) quality -= 1;
  return quality - Math.max(0, repeatedShare(text) - repeatedShare(reply));
}

/** The language of the known answer counts, not that of the question: translations are asked for too. */
export function sameLanguage({ messages }: Demonstration, text: string): boolean {
  return languageOf(text) === languageOf(messages.at(-1)!.content);
}

/** What the labeller says of an answer: the quality to the nearest half, because nobody notices less. */
export function gradeOf(quality: number): number {
  return Math.round(2 * quality) / 2;
}

/** 1 for the best; answers of the same grade share a rank. */
export function ranksOf(qualities: readonly number[]): number[] {
  const grades = qualities.map(gradeOf);
  return grades.map((grade) => 1 + grades.filter((other) => other > grade).length);
}

/** 2 |common| / (|a| + |b|) over pairs of neighbouring characters, beginning and end included: 1 for equal texts. */
function closeness(a: string, b: string): number {
  const [left, right] = [runsOf(framed(a), 2), runsOf(framed(b), 2)];
  const counts = new Map<string, number>();
  for (const pair of left) counts.set(pair, (counts.get(pair) ?? 0) + 1);
  let common = 0;
  for (const pair of right) {
    const count = counts.get(pair) ?? 0;
    if (count > 0) common++;
    counts.set(pair, count - 1);
  }
  return (2 * common) / (left.length + right.length);
}

const framed = (text: string) => ['', ...text.normalize('NFKC').toLowerCase().trim(), ''];

/** The share of runs of four characters that were there before. */
function repeatedShare(text: string): number {
  const runs = runsOf([...text], 4);
  return runs.length === 0 ? 0 : 1 - new Set(runs).size / runs.length;
}

const runsOf = (characters: readonly string[], length: number): string[] =>
  Array.from({ length: Math.max(0, characters.length - length + 1) }, (_, start) =>
    characters.slice(start, start + length).join('\0'),
  );
