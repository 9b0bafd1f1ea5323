/** What the objects of OpenAI's routes share. */
import { randomBytes } from 'node:crypto';
import type { ModelDescription } from '../inference/protocol.ts';

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

export function newEnvelope(prefix: 'chatcmpl' | 'cmpl', model: ModelDescription): Envelope {
  return {
    id: `${prefix}-${randomBytes(16).toString('hex')}`,
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

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A token's text; one that is only part of a character is written out as OpenAI writes it: `bytes:\xe4\xbd`. */
export function tokenText(bytes: readonly number[]): string {
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`;
  }
}
