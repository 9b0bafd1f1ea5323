/** Preferences in a model's tokens, split into what is learned and what is measured on. */
import { createHash } from 'node:crypto';
import type { ChatMessage } from '@parley/contracts';
import { languageOf, type Preferences } from '@parley/lm/data';
import { type Episode, encodeEpisode } from '@parley/lm/episodes';
import { ContextLengthError } from '@parley/lm/generate';
import type { Tokenizer } from '@parley/lm/tokenizer';

export interface EncodedComparison {
  /** One per answer. */
  episodes: Episode[];
  ranking: number[];
  language: 'en' | 'zh' | 'none';
}

export interface EncodedJudgement {
  episode: Episode;
  up: boolean;
}

export interface PreferencePart {
  comparisons: EncodedComparison[];
  judgements: EncodedJudgement[];
}

export interface SplitPreferences {
  train: PreferencePart;
  heldOut: PreferencePart;
  /** Comparisons and judgements that do not fit the context. */
  dropped: number;
  hash: string;
}

/**
 * All preferences about one prompt are on one side of the split, which side is a function of the prompt.
 * @param heldOut share of the prompts to measure on
 * @throws Error when nothing is left to learn from
 */
export function splitPreferences(
  { comparisons, judgements, hash }: Preferences,
  tokenizer: Tokenizer,
  { context, heldOut }: { context: number; heldOut: number },
): SplitPreferences {
  const parts = { train: emptyPart(), heldOut: emptyPart(), dropped: 0, hash };
  const partOf = (prompt: ChatMessage[]) => (shareOf(prompt) < heldOut ? parts.heldOut : parts.train);
  for (const { prompt, answers, ranking } of comparisons) {
    const episodes = answers.map((answer) => encodeIfFits(tokenizer, prompt, answer, context));
    if (episodes.some((episode) => episode === null)) parts.dropped++;
    else {
      const language = languageOf(prompt.at(-1)!.content);
      partOf(prompt).comparisons.push({ episodes: episodes as Episode[], ranking, language });
    }
  }
  for (const { prompt, answer, up } of judgements) {
    const episode = encodeIfFits(tokenizer, prompt, answer, context);
    if (episode === null) parts.dropped++;
    else partOf(prompt).judgements.push({ episode, up });
  }
  if (parts.train.comparisons.length + parts.train.judgements.length === 0) {
    throw new Error(
      `nothing is left to learn from: ${parts.dropped} preferences do not fit a context of ${context} tokens, ` +
        `${parts.heldOut.comparisons.length + parts.heldOut.judgements.length} are held out; add preferences`,
    );
  }
  return parts;
}

const emptyPart = (): PreferencePart => ({ comparisons: [], judgements: [] });

function encodeIfFits(tokenizer: Tokenizer, prompt: ChatMessage[], answer: string, context: number): Episode | null {
  try {
    return encodeEpisode(tokenizer, prompt, answer, context);
  } catch (error) {
    if (error instanceof ContextLengthError) return null;
    throw error;
  }
}

/** A number in [0, 1) that is a function of the prompt. */
function shareOf(prompt: ChatMessage[]): number {
  return createHash('sha256').update(JSON.stringify(prompt)).digest().readUInt32BE() / 2 ** 32;
}
