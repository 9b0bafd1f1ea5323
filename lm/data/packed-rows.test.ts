import type { ChatMessage } from '@parley/contracts';
import { describe, expect, it } from 'vitest';
import { letters } from './fixtures.ts';
import { packDemonstrations, takeRows } from './packed-rows.ts';

const talk = (...turns: string[]): { messages: ChatMessage[] } => ({
  messages: turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content })),
});
const id = (letter: string) => letters.encode(letter)[0]!;

describe('packDemonstrations', () => {
  it('shifts targets by one and counts the assistant and the end of its turn alone', () => {
    const rows = packDemonstrations([talk('q', 'ab')], letters, 10);
    const padding = [3, 3, 3];
    expect([...rows.ids]).toEqual([1, id('q'), 2, 1, id('a'), id('b'), 2, ...padding]);
    expect([...rows.targets]).toEqual([-1, -1, -1, id('a'), id('b'), 2, -1, -1, -1, -1]);
    expect([...rows.starts]).toEqual([0, 0, 0, 0, 0, 0, 0, 7, 8, 9]);
    expect(rows.counted).toBe(3);
  });

  it('puts conversations beside each other without one seeing or predicting the next', () => {
    const rows = packDemonstrations([talk('a', 'b'), talk('c', 'd'), talk('e', 'f')], letters, 20);
    expect(rows.count).toBe(1);
    expect([...rows.starts].slice(0, 18)).toEqual([...Array(6).fill(0), ...Array(6).fill(6), ...Array(6).fill(12)]);
    // The last token of a conversation has no target, though another conversation follows.
    expect([rows.targets[5], rows.targets[11], rows.targets[17]]).toEqual([-1, -1, -1]);
  });

  it('loses no conversation and mixes none up, whatever the lengths', () => {
    const many = Array.from({ length: 400 }, (_, i) => talk('q'.repeat(1 + (i % 17)), `${i} `.repeat(1 + (i % 5))));
    const rows = packDemonstrations(many, letters, 64);
    const seen: string[] = [];
    for (let row = 0; row < rows.count; row++) {
      const ids = [...rows.ids.subarray(row * 64, (row + 1) * 64)];
      const starts = [...rows.starts.subarray(row * 64, (row + 1) * 64)];
      for (const start of new Set(starts)) {
        const part = ids.filter((_, i) => starts[i] === start);
        if (part[0] === 1) seen.push(part.join());
      }
    }
    expect(seen.sort()).toEqual(many.map(({ messages }) => letters.renderChat(messages).ids.join()).sort());
    const filled = rows.ids.filter((each) => each !== 3).length / rows.ids.length;
    expect(filled).toBeGreaterThan(0.9);
  });

  it('is a function of the seed', () => {
    const many = Array.from({ length: 50 }, (_, i) => talk(`question ${i}`, `answer ${i}`));
    const a = packDemonstrations(many, letters, 100, { seed: 1 });
    expect(packDemonstrations(many, letters, 100, { seed: 1 })).toEqual(a);
    expect(packDemonstrations(many, letters, 100, { seed: 2 }).ids).not.toEqual(a.ids);
  });

  it('drops the oldest turns of a long conversation, keeps the system message, and counts', () => {
    const long: { messages: ChatMessage[] } = {
      messages: [{ role: 'system', content: 'S' }, ...talk('first', 'one', 'second', 'two').messages],
    };
    const rows = packDemonstrations([long, talk('x'.repeat(30), 'y')], letters, 20);
    expect(rows.truncated).toBe(1);
    expect(rows.dropped).toBe(1);
    const kept = letters.renderChat([long.messages[0]!, ...long.messages.slice(3)]).ids;
    expect([...rows.ids].slice(0, kept.length)).toEqual(kept);
  });

  it('explains a context in which nothing fits', () => {
    expect(() => packDemonstrations([talk('question', 'answer')], letters, 8)).toThrow(/context of 8.*--context/);
  });
});

it('takes rows by number', () => {
  const rows = packDemonstrations([talk('a', 'b'), talk('c', 'de')], letters, 7);
  const taken = takeRows(rows, [1, 0]);
  expect([...taken.ids]).toEqual([...rows.ids.subarray(7), ...rows.ids.subarray(0, 7)]);
  expect(taken.counted).toBe(rows.counted);
  expect(() => takeRows(rows, [2])).toThrow(RangeError);
});
