/** The log-probabilities of a text completion: lists side by side, one entry per token. */
import type { Reading, TokenLogProbability } from '../inference/protocol.ts';
import { tokenText } from './wire.ts';

export class TextScores {
  readonly #decoder = new TextDecoder();
  /** UTF-16 units of whole characters so far. */
  #offset = 0;

  /** The lists for the next tokens of the text. The first token of a text has no score. */
  take(tokens: Reading['tokens']) {
    return {
      tokens: tokens.map(({ bytes }) => tokenText(bytes)),
      token_logprobs: tokens.map(({ logProbability }) => logProbability?.logProbability ?? null),
      top_logprobs: tokens.map(({ logProbability, alternatives }) => (logProbability ? byText(alternatives) : null)),
      text_offset: tokens.map(({ bytes }) => this.#advance(bytes)),
    };
  }

  /** Where a token begins; one that goes on with a character begins where the character does. */
  #advance(bytes: number[]): number {
    const start = this.#offset;
    this.#offset += this.#decoder.decode(Uint8Array.from(bytes), { stream: true }).length;
    return start;
  }
}

function byText(alternatives: TokenLogProbability[] = []): Record<string, number> {
  return Object.fromEntries(alternatives.map(({ bytes, logProbability }) => [tokenText(bytes), logProbability]));
}
