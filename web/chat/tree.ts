/**
 * A conversation is a tree: a regenerated answer is a sibling of the first one. The page shows one path from
 * the root to a leaf. Where the person has not chosen, the path leads to the newest message, which is also
 * where the server goes on when no parent is named.
 */
import type { Message } from '@parley/contracts';

/** Which child to show under a message (by its id; the empty string stands for the root). */
export type BranchChoices = Readonly<Record<string, string>>;

export interface PathStep {
  readonly message: Message;
  /** The ids of the alternatives at this place, oldest first; includes the message's own. */
  readonly siblings: readonly string[];
}

export const rootKey = '';

/** The shown path, root first. `messages` come oldest first; one whose parent is missing counts as a root. */
export function shownPath(messages: readonly Message[], choices: BranchChoices): PathStep[] {
  const children = childrenByParent(messages);
  const newestBelow = newestDescendants(messages);
  const path: PathStep[] = [];
  let alternatives = children.get(rootKey);
  while (alternatives) {
    const parent = path.at(-1)?.message.id ?? rootKey;
    const chosen = alternatives.find(({ id }) => id === choices[parent]);
    const message =
      chosen ?? alternatives.reduce((best, other) => (newestBelow(other.id) > newestBelow(best.id) ? other : best));
    path.push({ message, siblings: alternatives.map(({ id }) => id) });
    alternatives = children.get(message.id);
  }
  return path;
}

/** The choices that lead the path over a message, down to the newest one below it. */
export function choicesLeadingTo(messages: readonly Message[], id: string): BranchChoices {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const choices: Record<string, string> = {};
  for (let message = byId.get(id); message; message = byId.get(message.parentId ?? rootKey)) {
    choices[message.parentId ?? rootKey] = message.id;
  }
  return choices;
}

function childrenByParent(messages: readonly Message[]): Map<string, Message[]> {
  const known = new Set(messages.map(({ id }) => id));
  const children = new Map<string, Message[]>();
  for (const message of messages) {
    const parent = message.parentId !== null && known.has(message.parentId) ? message.parentId : rootKey;
    const siblings = children.get(parent);
    if (siblings) siblings.push(message);
    else children.set(parent, [message]);
  }
  return children;
}

/** The position in `messages` of the newest message at or below a message. Children come after their parents. */
function newestDescendants(messages: readonly Message[]): (id: string) => number {
  const newest = new Map<string, number>();
  for (const [index, { id, parentId }] of [...messages.entries()].reverse()) {
    const own = Math.max(newest.get(id) ?? -1, index);
    newest.set(id, own);
    if (parentId !== null) newest.set(parentId, Math.max(newest.get(parentId) ?? -1, own));
  }
  return (id) => newest.get(id) ?? -1;
}
