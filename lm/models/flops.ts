/**
 * Floating-point operations by formula, two for each multiplication with its addition (Kaplan et al. 2020, section
 * 2.1): what a computation needs, whatever a machine adds to it by filling up batches or by computing again what it
 * did not keep. Only products with weights count; attention between tokens and what is done once per parameter, as an
 * optimizer's step, are small beside them as long as texts are short and batches are not.
 */
import { countParameters, type Llama, scoresTexts } from './llama.ts';

/**
 * Of a forward pass: 2 x the parameters of the blocks for every token that is read, and 2 x the output matrix (or the
 * scalar head) for every place where logits, a log-probability or a score is wanted. The embedding is only looked up.
 */
export function forwardFlops({ config }: Llama, { tokens, outputs }: { tokens: number; outputs: number }): number {
  const embedding = config.vocab_size * config.hidden_size;
  const head = scoresTexts(config) ? config.hidden_size : embedding;
  const shared = !scoresTexts(config) && config.tie_word_embeddings;
  const blocks = countParameters(config) - embedding - (shared ? 0 : head);
  return 2 * (blocks * tokens + head * outputs);
}
