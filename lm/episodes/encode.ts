/** Texts as episodes: the tokens that a model would have read and written. */
import type { ChatMessage } from '@parley/contracts';
import { buildChatPrompt, ContextLengthError } from '../generate/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Episode } from './episodes.ts';

/** The token that ends an assistant's turn. */
export function endOfTurn(tokenizer: Tokenizer): number {
  const end = tokenizer.special['<|im_end|>'];
  if (end === undefined) throw new Error('the tokenizer has no <|im_end|>; take a model that was fine-tuned to chat');
  return end;
}

/**
 * The prompt with room for an answer of `reserve` tokens; oldest turns are left out where the context is full.
 * @throws ContextLengthError when the last message alone is too long
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  prompt: readonly ChatMessage[],
  { context, reserve }: { context: number; reserve: number },
): number[] {
  const { ids } = buildChatPrompt(tokenizer, prompt, { context, reserve });
  if (ids.length + reserve > context) throw new ContextLengthError(context, ids.length + reserve, 'prompt and answer');
  return ids;
}

/** A prompt and a whole answer. @throws ContextLengthError when they do not fit together */
export function encodeEpisode(
  tokenizer: Tokenizer,
  prompt: readonly ChatMessage[],
  answer: string,
  context: number,
): Episode {
  const ids = [...tokenizer.encode(answer), endOfTurn(tokenizer)];
  return { prompt: encodePrompt(tokenizer, prompt, { context, reserve: ids.length }), answer: ids, ended: true };
}
