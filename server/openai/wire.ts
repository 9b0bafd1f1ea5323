/** The objects of OpenAI's chat completions, whole and in chunks. */
import { randomBytes } from 'node:crypto';
import type { FinishReason } from '@parley/contracts';
import type { ModelDescription, TokenLogProbability, TokenRecord } from '../inference/protocol.ts';

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** What stays the same in all chunks of a stream. */
export interface Envelope {
  id: string;
  created: number;
  model: string;
  system_fingerprint: string;
}

interface ContentLogProbability {
  token: string;
  logprob: number;
  bytes: number[];
}

type LogProbabilities = {
  content: (ContentLogProbability & { top_logprobs: ContentLogProbability[] })[];
  refusal: null;
} | null;

export function newEnvelope(model: ModelDescription): Envelope {
  return {
    id: `chatcmpl-${randomBytes(16).toString('hex')}`,
    created: Math.floor(Date.now() / 1000),
    model: model.id,
    // The same fingerprint and seed give the same answer.
    system_fingerprint: `fp_${model.weightsHash.slice(0, 12)}`,
  };
}

export function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

export interface Choice {
  content: string;
  /** Those whose text is in the content: not the tokens of a stop string. */
  tokens: TokenRecord[];
  /** All that were drawn. */
  completionTokens: number;
  reason: FinishReason;
}

export function completion(envelope: Envelope, choices: Choice[], usage: Usage, withLogProbabilities: boolean) {
  return {
    ...envelope,
    object: 'chat.completion',
    choices: choices.map(({ content, tokens, reason }, index) => ({
      index,
      message: { role: 'assistant', content, refusal: null },
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

function logProbabilities(tokens: TokenRecord[]): LogProbabilities {
  const content = tokens.flatMap(({ logProbability, alternatives = [] }) =>
    logProbability ? [{ ...contentOf(logProbability), top_logprobs: alternatives.map(contentOf) }] : [],
  );
  return { content, refusal: null };
}

function contentOf({ bytes, logProbability }: TokenLogProbability): ContentLogProbability {
  return { token: tokenText(bytes), logprob: logProbability, bytes };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token's text; one that is only part of a character is written out as OpenAI writes it: `bytes:\xe4\xbd`. */
function tokenText(bytes: number[]): string {
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}
