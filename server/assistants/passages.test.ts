import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutPassages, estimatedTokens, longestPassage } from './passages.ts';

const passagesOf = (text: string) => cutPassages(text).map(({ start, end }) => text.slice(start, end));

test('headings begin a passage, and sentences stay whole', () => {
  const text = '# Returns\n\nSend it back within 30 days. Version 3.5 too.\n\n# 保修\n\n保修期为两年。请保留发票。\n';
  expect(passagesOf(text)).toEqual([
    '# Returns\n\nSend it back within 30 days. Version 3.5 too.',
    '# 保修\n\n保修期为两年。请保留发票。',
  ]);
});

test('a long paragraph is cut between sentences, each passage beginning with the end of the one before', () => {
  const sentences = Array.from({ length: 12 }, (_, index) => `这是第${index + 1}个句子，它说明一件具体的事情。`);
  const passages = passagesOf(sentences.join(''));
  expect(passages.length).toBeGreaterThan(2);
  for (const [index, passage] of passages.entries()) {
    expect(passage.endsWith('。')).toBe(true);
    const last = passages[index - 1]?.match(/[^。]*。$/)?.[0];
    if (last) expect(passage.startsWith(last)).toBe(true);
  }
});

test('one endless word is cut, never inside a character', () => {
  for (const passage of passagesOf('🦊'.repeat(1000))) expect(passage).toMatch(/^(🦊)+$/u);
});

test('any text: in order, trimmed, no longer than the limit, and every word is in a passage', () => {
  const words = fc.constantFrom('word', '词', '。', '. ', '\n', '\n\n', '# h\n', ' ', '3.5', '🦊', '”', 'x'.repeat(90));
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 200 }).map((list) => list.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const covered = new Uint8Array(text.length);
      let last = { start: -1, end: 0 };
      for (const { start, end } of cutPassages(text)) {
        const passage = text.slice(start, end);
        const sound = start > last.start && end > last.end && passage.trim() === passage;
        if (!sound || estimatedTokens(passage) > longestPassage * 1.25) expect.fail(JSON.stringify({ passage, last }));
        covered.fill(1, start, end);
        last = { start, end };
      }
      expect([...covered.keys()].filter((at) => covered[at] === 0 && text[at]!.trim() !== '')).toEqual([]);
    }),
  );
});
