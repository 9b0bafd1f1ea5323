/** The search of document-index.ts over a few texts that are in no index: BM25, made anew for each question. */
import { inverseDocumentFrequency, termScore } from './bm25.ts';
import { cutPassages } from './passages.ts';
import { queryTermsOf, termsOf } from './terms.ts';

export interface TextPassage {
  name: string;
  /** UTF-16 offsets in the text, the end exclusive. */
  start: number;
  end: number;
  text: string;
  counts: ReadonlyMap<string, number>;
  /** In terms. */
  length: number;
}

/** Once for all questions about the same texts. */
export function passagesOf(documents: readonly { name: string; text: string }[]): TextPassage[] {
  return documents.flatMap(({ name, text }) =>
    cutPassages(text).map(({ start, end }) => {
      const terms = termsOf(text.slice(start, end));
      const counts = new Map<string, number>();
      for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
      return { name, start, end, text: text.slice(start, end), counts, length: terms.length };
    }),
  );
}

/** Best first; those that share no term are left out. */
export function bestPassages(passages: readonly TextPassage[], question: string, limit: number): TextPassage[] {
  const mean = passages.reduce((sum, { length }) => sum + length, 0) / passages.length;
  const scores = new Map<TextPassage, number>();
  for (const term of queryTermsOf(question)) {
    const holders = passages.filter(({ counts }) => counts.has(term));
    const idf = inverseDocumentFrequency(holders.length, passages.length);
    for (const passage of holders) {
      const score = termScore(idf, passage.counts.get(term)!, passage.length, mean);
      scores.set(passage, (scores.get(passage) ?? 0) + score);
    }
  }
  return [...scores]
    .sort(([, one], [, other]) => other - one)
    .slice(0, limit)
    .map(([passage]) => passage);
}
