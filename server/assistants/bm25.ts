/**
 * Okapi BM25: how well a passage fits a question, by the terms that they share.
 *
 *     score(passage) = Σ over terms of the question   idf(term) · tf · (k1 + 1) / (tf + k1 · (1 − b + b · length / mean))
 *     idf(term)      = ln(1 + (N − n + 0.5) / (n + 0.5))
 *
 * tf: how often the term stands in the passage; length: terms in the passage; mean: of the length, over all N
 * passages; n: passages that hold the term. A rare term says more than a common one (idf); the tenth repetition says
 * little more than the third (k1); a long passage has more terms anyhow (b). The formula is that of S. Robertson and
 * H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section 3.4, with the usual k1 = 1.2
 * and b = 0.75. Their idf turns negative for a term that more than half of all passages hold; the 1 inside the
 * logarithm, as in Lucene, keeps it above 0, which matters where an assistant has five passages and not a million.
 */
const k1 = 1.2;
const b = 0.75;

/** @param n passages that hold the term, of `total` */
export function inverseDocumentFrequency(n: number, total: number): number {
  return Math.log(1 + (total - n + 0.5) / (n + 0.5));
}

/** What a term that stands `frequency` times in a passage adds to its score. Lengths are in terms. */
export function termScore(idf: number, frequency: number, length: number, meanLength: number): number {
  return (idf * frequency * (k1 + 1)) / (frequency + k1 * (1 - b + (b * length) / meanLength));
}
