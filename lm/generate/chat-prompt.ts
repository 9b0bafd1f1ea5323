/** Messages → the prompt's token ids, with the oldest turns left out when the context is full. */
import type { ChatMessage } from '@parley/contracts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { ContextLengthError } from './context-length-error.ts';

export interface ChatPrompt {
  /** Ends with the header of an assistant turn, or with the answer so far. */
  ids: number[];
  /** Messages that were left out, oldest first. */
  droppedTurns: number;
}

/** An answer is promised at most this share of the context: with more, a long maxTokens would push all history out. */
const largestReserve = 1 / 4;

/** The tokens of the context that a prompt leaves for its answer, `wanted` or fewer, if it can. */
export function answerReserve(context: number, wanted: number): number {
  return Math.min(wanted, Math.floor(context * largestReserve));
}

/**
 * Builds the prompt for the next answer.
 *
 * When the prompt and the reserve exceed the context, whole exchanges are dropped from the front, so that what is
 * left begins with a user's turn; a system message stays. The last turn always stays, even if it leaves the answer
 * less than its reserve.
 *
 * @param messages oldest first, the last one to be answered; a system message may come first
 * @param options.context tokens that the model can see
 * @param options.reserve tokens wanted for the answer, e.g. maxTokens
 * @param options.partial to continue an answer: its token ids so far, which the prompt then ends with. Tell the
 *   generator how many they are (`answered`), so that it completes a character which they leave unfinished
 * @throws ContextLengthError when the last turn alone is too long
 */
export function buildChatPrompt(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  { context, reserve, partial = [] }: { context: number; reserve: number; partial?: readonly number[] },
): ChatPrompt {
  const system = messages.filter(({ role }, index) => role === 'system' && index === 0);
  const turns = messages.slice(system.length);
  const render = (first: number) => [
    ...tokenizer.renderChat([...system, ...turns.slice(first)], { open: true }).ids,
    ...partial,
  ];
  const room = answerReserve(context, reserve);

  const starts = turns.flatMap(({ role }, index) => (role === 'user' || index === 0 ? [index] : []));
  let first = starts.at(-1) ?? 0;
  let ids = render(first);
  if (ids.length >= context) throw new ContextLengthError(context, ids.length, 'the last message with its frame');
  // From the newest backwards, so that the work is bounded by the context and not by the history.
  for (const earlier of starts.slice(0, -1).reverse()) {
    const longer = render(earlier);
    if (longer.length + room > context) break;
    [first, ids] = [earlier, longer];
  }
  return { ids, droppedTurns: first };
}
