import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from './fuzzed-text.ts';
import { SPLIT_PATTERN, type Split } from './split.ts';
import { splitWords } from './word-scanner.ts';

function words(split: Split, text: string): string[] {
  const found: string[] = [];
  split(text, (_, start, end) => found.push(text.slice(start, end)));
  return found;
}

test('words, numbers, contractions and scripts are split as the essay says', () => {
  const split = (text: string) => words(splitWords, text).join('|');
  expect(split("I'll pay 12345元, 你好world!\n")).toBe("I|'ll| pay| |123|45|元|,| |你好|world|!\n");
  expect(split("don't 'tis WE'RE they'd've 's")).toBe("don|'t| '|tis| WE|'RE| they|'d|'ve| '|s");
  expect(split("'s 'reality'\n'tis")).toBe("'s| '|reality|'\n|'tis");
  expect(split('x.method(_name, "y")\n\treturn')).toBe('x|.method|(_|name|,| "|y|")\n|\treturn');
  expect(split('二〇二四年，“GPT”模型。')).toBe('二〇二四年|，“|GPT|”|模型|。');
  expect(split('a  b   \n\n  c ')).toBe('a| | b|   \n\n| | c| ');
  expect(split('\u3000\u3000第一回\n\u3000\u3000话说')).toBe('\u3000\u3000|第一回|\n|\u3000\u3000|话说');
  expect(split('カタカナとひらがな한국어 tiếng')).toBe('カタカナとひらがな|한국어| tiếng');
  expect(split('cafe\u0301 👩‍👩‍👧 1️⃣❤️')).toBe('cafe\u0301| 👩‍👩‍👧| |1|\ufe0f⃣|❤️');
});

test('the scanner finds the words of the pattern, in any text', () => {
  const pattern = new RegExp(SPLIT_PATTERN, 'gu');
  fc.assert(
    fc.property(anyText, (text) => {
      expect(words(splitWords, text)).toEqual(text.match(pattern) ?? []);
    }),
    { numRuns: 3000 },
  );
});

test('the words of any text join to the text: no character is left out', () => {
  for (let code = 0; code < 0x110000; code += 0x400) {
    const text = Array.from({ length: 0x400 }, (_, i) => String.fromCodePoint(code + i)).join('');
    expect(words(splitWords, text).join('')).toBe(text);
    expect(words(splitWords, text)).toEqual(text.match(new RegExp(SPLIT_PATTERN, 'gu')));
  }
});

test('runs of twenty million characters are split in linear time and constant stack', () => {
  for (const character of ['a', '中', ' ', '😀']) {
    let count = 0;
    splitWords(character.repeat(2e7 / character.length), () => count++);
    expect(count).toBeLessThanOrEqual(2);
  }
});
