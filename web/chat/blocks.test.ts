import { expect, test } from 'vitest';
import { splitBlocks } from './blocks.ts';

test('paragraphs are cut at blank lines', () => {
  expect(splitBlocks('one\ntwo\n\nthree\n\n\nfour')).toEqual(['one\ntwo\n', 'three\n\n', 'four']);
});

test('blank lines inside a fence do not cut, closed or not', () => {
  expect(splitBlocks('```py\na\n\nb\n```\n\nafter')).toEqual(['```py\na\n\nb\n```\n', 'after']);
  expect(splitBlocks('before\n\n~~~\na\n\n```\n\nb')).toEqual(['before\n', '~~~\na\n\n```\n\nb']);
});

test('a loose list stays whole, with its paragraphs and code', () => {
  const list = '1. one\n\n   more\n\n2. two\n\n   ```js\n   x\n\n   y\n   ```';
  expect(splitBlocks(`${list}\n\nafter`)).toEqual([`${list}\n`, 'after']);
});

test('a table is one block', () => {
  expect(splitBlocks('| a | b |\n|---|---|\n| 1 | 2 |\n\nx')).toHaveLength(2);
});

test('text with link definitions is not cut', () => {
  expect(splitBlocks('see [a]\n\n[a]: https://example.org')).toHaveLength(1);
});

test('growing text changes only the last block', () => {
  const text = '# Title\n\nSome words.\n\n- a\n- b\n\n```ts\nlet x = 1;\n\nlet y = 2;\n```\n\nThe end.';
  let before: string[] = [];
  for (let end = 1; end <= text.length; end++) {
    const blocks = splitBlocks(text.slice(0, end));
    expect(blocks.slice(0, before.length - 1).map((block) => block.trimEnd())).toEqual(
      before.slice(0, -1).map((block) => block.trimEnd()),
    );
    before = blocks;
  }
  expect(before).toHaveLength(5);
});

test('nothing is lost', () => {
  const text = 'a\n\n- b\n\n  c\n\nd\n\n```\ne\n\n```\n';
  expect(splitBlocks(text).join('\n').replace(/\s+/g, '')).toBe(text.replace(/\s+/g, ''));
});

test('a formula stays whole, with its blank lines', () => {
  expect(splitBlocks('Then\n\n\\[\na\n\nb\n\\]\n\n$$\nc\n\nd\n$$\n\nEnd')).toEqual([
    'Then\n',
    '\\[\na\n\nb\n\\]\n',
    '$$\nc\n\nd\n$$\n',
    'End',
  ]);
  expect(splitBlocks('$$ a $$\n\nb')).toEqual(['$$ a $$\n', 'b']);
});
