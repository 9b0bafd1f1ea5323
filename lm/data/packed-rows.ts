/**
 * Conversations packed into rows of one length, so that a batch has no empty space:
 *
 *     position   0  1  2  3  4  5  6  7  8  9
 *     ids        u  u  a  a  e  u  a  a  e  ·      two conversations and one place of padding
 *     targets   -1  a  a  e -1  a  a  e -1 -1      the next token where it is the assistant's, else -1
 *     starts     0  0  0  0  0  5  5  5  5  9      first position that a token may attend to
 *
 * Position i predicts token i + 1; loss is taken where that token is the assistant's content or the end of its turn. A
 * token attends to its own conversation alone, a place of padding to itself alone.
 */
import type { ChatMessage, Demonstration } from '@parley/contracts';
import { Choice } from './random.ts';

/** What packing conversations needs of a tokenizer. */
export interface ChatEncoder {
  readonly special: Readonly<Record<string, number>>;
  renderChat(messages: ChatMessage[]): { ids: number[]; assistant: boolean[] };
}

export interface PackedRows {
  /** Number of rows. */
  count: number;
  /** Tokens per row. */
  length: number;
  /** Row after row, [count × length] each. */
  ids: Int32Array;
  targets: Int32Array;
  starts: Int32Array;
  /** Targets that are not -1. */
  counted: number;
  /** Conversations that lost their oldest turns, and those whose last turn alone is too long. */
  truncated: number;
  dropped: number;
}

/** Rows that still have room while packing: enough to fill the gaps, few enough to stay fast. */
const OPEN_ROWS = 64;

/**
 * Packs conversations into rows of `context` tokens, in an order drawn from `seed`. A conversation that is too
 * long loses turns from the front, a leading system message stays; one whose last question and answer do not fit is left out
 * and counted. Throws if nothing fits.
 */
export function packDemonstrations(
  demonstrations: Pick<Demonstration, 'messages'>[],
  tokenizer: ChatEncoder,
  context: number,
  { seed = 0 }: { seed?: number } = {},
): PackedRows {
  let truncated = 0;
  let dropped = 0;
  const conversations: { ids: number[]; assistant: boolean[] }[] = [];
  for (const { messages } of demonstrations) {
    let kept = messages;
    let rendered = tokenizer.renderChat(kept);
    while (rendered.ids.length > context && kept.length > 0) {
      kept = withoutOldestTurn(kept);
      if (kept.length > 0) rendered = tokenizer.renderChat(kept);
    }
    if (kept.length === 0) dropped++;
    else conversations.push(rendered);
    if (kept.length > 0 && kept.length < messages.length) truncated++;
  }
  new Choice(seed).shuffle(conversations);

  // Best fit: the fullest open row that still takes the conversation.
  const rows: { used: number; parts: typeof conversations }[] = [];
  const open: typeof rows = [];
  for (const conversation of conversations) {
    const size = conversation.ids.length;
    let best: (typeof rows)[number] | undefined;
    for (const row of open) {
      if (row.used + size <= context && (best === undefined || row.used > best.used)) best = row;
    }
    if (best === undefined) {
      best = { used: 0, parts: [] };
      rows.push(best);
      open.push(best);
      if (open.length > OPEN_ROWS) {
        const fullest = open.reduce((a, b) => (b.used > a.used ? b : a));
        open.splice(open.indexOf(fullest), 1);
      }
    }
    best.parts.push(conversation);
    best.used += size;
  }
  if (rows.length === 0 && demonstrations.length > 0) {
    throw new Error(
      `none of ${demonstrations.length} conversations fits a context of ${context} tokens; use a longer --context`,
    );
  }

  const padding = tokenizer.special['<|pad|>'] ?? tokenizer.special['<|endoftext|>'] ?? 0;
  const packed = emptyRows(rows.length, context, padding);
  for (const [number, { parts }] of rows.entries()) {
    let at = 0;
    for (const { ids, assistant } of parts) {
      const offset = number * context + at;
      packed.ids.set(ids, offset);
      packed.starts.fill(at, offset, offset + ids.length);
      for (let i = 0; i + 1 < ids.length; i++) {
        if (!assistant[i + 1]) continue;
        packed.targets[offset + i] = ids[i + 1]!;
        packed.counted++;
      }
      at += ids.length;
    }
  }
  return { ...packed, truncated, dropped };
}

/** The rows of these numbers, in this order, as rows of their own. */
export function takeRows(rows: PackedRows, numbers: ArrayLike<number>): PackedRows {
  const { length } = rows;
  const taken = emptyRows(numbers.length, length, 0);
  for (let i = 0; i < numbers.length; i++) {
    const from = numbers[i]! * length;
    if (numbers[i]! < 0 || numbers[i]! >= rows.count)
      throw new RangeError(`row ${numbers[i]} of ${rows.count} was asked for`);
    taken.ids.set(rows.ids.subarray(from, from + length), i * length);
    taken.targets.set(rows.targets.subarray(from, from + length), i * length);
    taken.starts.set(rows.starts.subarray(from, from + length), i * length);
  }
  for (const target of taken.targets) if (target !== -1) taken.counted++;
  return taken;
}

function emptyRows(count: number, length: number, padding: number): PackedRows {
  return {
    count,
    length,
    ids: new Int32Array(count * length).fill(padding),
    targets: new Int32Array(count * length).fill(-1),
    starts: Int32Array.from({ length: count * length }, (_, i) => i % length),
    counted: 0,
    truncated: 0,
    dropped: 0,
  };
}

/** Without the first question and its answer; nothing is left when that was the last pair. */
function withoutOldestTurn(messages: ChatMessage[]): ChatMessage[] {
  const system = messages[0]?.role === 'system' ? messages.slice(0, 1) : [];
  const turns = messages.slice(system.length);
  const next = turns.findIndex(({ role }, i) => i > 0 && role === 'user');
  return next === -1 ? [] : [...system, ...turns.slice(next)];
}
