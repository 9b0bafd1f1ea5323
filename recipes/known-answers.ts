/** Questions whose right answers are known: what evaluation asks, and what simulated labellers can judge. */
import { createHash } from 'node:crypto';
import type { Demonstration } from '@parley/contracts';
import type { Tokenizer } from '@parley/lm/tokenizer';
import { ShuffledOrder } from './shuffled-order.ts';

/**
 * Questions of each task in an order that the seed draws, so that no language or wording is favoured.
 * @param options.items most of each task
 * @param options.skip so many of each task are passed by: other rounds have them
 */
export function questionsByTask(
  demonstrations: readonly Demonstration[],
  { items, skip = 0, seed }: { items: number; skip?: number; seed: number },
): Map<string, Demonstration[]> {
  const tasks = new Map<string, Demonstration[]>();
  for (const number of new ShuffledOrder(demonstrations.length, seed).slice(0, demonstrations.length)) {
    const demonstration = demonstrations[number]!;
    if (!demonstration.answers?.length) continue;
    const known = tasks.get(demonstration.task) ?? [];
    if (known.length < skip + items) known.push(demonstration);
    tasks.set(demonstration.task, known);
  }
  const named = [...tasks].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(named.map(([task, known]) => [task, known.slice(skip)]));
}

/** Those that `maxTokens` are enough for: nobody should learn to cut short what has to be long. */
export function thatFit(
  demonstrations: readonly Demonstration[],
  tokenizer: Tokenizer,
  { context, maxTokens }: { context: number; maxTokens: number },
): Demonstration[] {
  return demonstrations.filter(({ messages }) => {
    const prompt = tokenizer.renderChat(messages.slice(0, -1), { open: true }).ids.length;
    return tokenizer.encode(messages.at(-1)!.content).length < maxTokens && prompt + maxTokens <= context;
  });
}

/** Of the questions that fine-tuning has seen, this share is kept from alignment, to measure it on. */
const setAside = 0.05;

/** Questions that rankings and PPO may have, and those set aside; which is which is a function of the question. */
export function splitForAlignment(demonstrations: readonly Demonstration[]): {
  asked: Demonstration[];
  aside: Demonstration[];
} {
  const isAside = ({ messages }: Demonstration) => {
    const prompt = JSON.stringify(messages.slice(0, -1));
    return createHash('sha256').update(prompt).digest().readUInt32LE(4) / 2 ** 32 < setAside;
  };
  return {
    asked: demonstrations.filter((demonstration) => !isAside(demonstration)),
    aside: demonstrations.filter(isAside),
  };
}
