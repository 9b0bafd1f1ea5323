/** A token's score as the wire needs it: with the bytes of each token beside its log-probability. */
import type { TokenScore } from '@parley/lm/generate';
import type { Tokenizer } from '@parley/lm/tokenizer';
import type { TokenRecord } from './protocol.ts';

export function logProbabilitiesOf(
  tokenizer: Tokenizer,
  id: number,
  score: TokenScore,
): Pick<TokenRecord, 'logProbability' | 'alternatives'> {
  const of = (token: number, logProbability: number) => ({ bytes: bytesOf(tokenizer, token), logProbability });
  return {
    logProbability: of(id, score.logProbability),
    alternatives: score.alternatives.map((alternative) => of(alternative.id, alternative.logProbability)),
  };
}

/** A token's own bytes, a special token's name included. */
export function bytesOf(tokenizer: Tokenizer, id: number): number[] {
  return [...tokenizer.decodeBytes([id], { special: true })];
}
