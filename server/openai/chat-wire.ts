/** The objects of OpenAI's chat completions, whole and in chunks. */
import type { FinishReason } from '@parley/contracts';
import type { TokenLogProbability, TokenRecord } from '../inference/protocol.ts';
import type { Collected } from './answering.ts';
import { type Envelope, tokenText, type Usage } from './wire.ts';

interface ContentLogProbability {
  token: string;
  logprob: number;
  bytes: number[];
}

type ScoredContent = (ContentLogProbability & { top_logprobs: ContentLogProbability[] })[];

export function completion(envelope: Envelope, choices: Collected[], usage: Usage, withLogProbabilities: boolean) {
  return {
    ...envelope,
    object: 'chat.completion',
    choices: choices.map(({ text, tokens, reason }, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: withLogProbabilities ? logProbabilities(tokens) : null,
      finish_reason: reason,
    })),
    usage,
  };
}

interface Delta {
  role?: 'assistant';
  content?: string;
}

export function chunk(
  envelope: Envelope,
  {
    index,
    delta,
    tokens = null,
    reason = null,
  }: { index: number; delta: Delta; tokens?: TokenRecord[] | null; reason?: FinishReason | null },
) {
  return {
    ...envelope,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs: tokens && logProbabilities(tokens), finish_reason: reason }],
  };
}

/** The last chunk of a stream that asked for its usage. */
export function usageChunk(envelope: Envelope, usage: Usage) {
  return { ...envelope, object: 'chat.completion.chunk', choices: [], usage };
}

const logProbabilities = (tokens: TokenRecord[]) => ({ content: scoredContent(tokens), refusal: null });

export function scoredContent(tokens: TokenRecord[]): ScoredContent {
  return tokens.flatMap(({ logProbability, alternatives = [] }) =>
    logProbability ? [{ ...contentOf(logProbability), top_logprobs: alternatives.map(contentOf) }] : [],
  );
}

function contentOf({ bytes, logProbability }: TokenLogProbability): ContentLogProbability {
  return { token: tokenText(bytes), logprob: logProbability, bytes };
}
