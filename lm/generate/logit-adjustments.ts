/** What a caller adds to a model's logits before a token is drawn from them. */

export interface LogitAdjustments {
  /** Added to the logits of single tokens. */
  bias: readonly (readonly [id: number, value: number])[];
  /** Taken once off the logit of every token that the answer holds already. */
  presencePenalty: number;
  /** Taken off the logit of a token each time that the answer holds it. */
  frequencyPenalty: number;
}

/**
 * Adjusts logits [vocabulary] in place.
 * @param answer the answer's tokens so far
 * @returns undoes it, bit for bit: scores are the model's own
 */
export function adjustLogits(
  logits: Float32Array,
  { bias, presencePenalty, frequencyPenalty }: LogitAdjustments,
  answer: Int32Array,
): () => void {
  const before = new Map<number, number>();
  const add = (id: number, value: number) => {
    if (!before.has(id)) before.set(id, logits[id]!);
    logits[id]! += value;
  };
  if (presencePenalty !== 0) for (const id of new Set(answer)) add(id, -presencePenalty);
  if (frequencyPenalty !== 0) for (const id of answer) add(id, -frequencyPenalty);
  for (const [id, value] of bias) add(id, value);
  return () => {
    for (const [id, value] of before) logits[id] = value;
  };
}
