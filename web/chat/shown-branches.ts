/** Which branch of a conversation is on the screen, for what acts on "this conversation" from beside it. */
import type { Message } from '@parley/contracts';
import { shownPath } from './tree.ts';

const lastShown = new Map<string, string>();

export function noteShownBranch(conversationId: string, leafId: string | undefined): void {
  if (leafId === undefined) lastShown.delete(conversationId);
  else lastShown.set(conversationId, leafId);
}

/** The end of the branch that was last looked at, or else of the one that opening the conversation would show. */
export function lastShownMessage(conversationId: string, messages: readonly Message[]): Message | undefined {
  const noted = messages.find(({ id }) => id === lastShown.get(conversationId));
  return noted ?? shownPath(messages, {}).at(-1)?.message;
}
