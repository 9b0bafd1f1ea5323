import { expect, test } from 'vitest';
import { withMathDelimiters } from './math-delimiters.ts';

test.each([
  ['within a line', 'so $x^2$ and \\(y\\) and $$z$$ here', 'so $$x^2$$ and $$y$$ and $$z$$ here'],
  ['alone in brackets', '\\[\na = b\n\\]', '$$\na = b\n$$\n'],
  ['alone in dollars', 'Then\n$$ a = b $$\nand', 'Then\n$$\na = b\n$$\n\nand'],
  ['after words', 'Then \\[a\\] follows', 'Then \n$$\na\n$$\n follows'],
  ['in an item of a list', '- Then \\[a\\]\n- b', '- Then \n  $$\n  a\n  $$\n\n- b'],
  ['with blank lines inside', '\\[\na\n\nb\n\\]', '$$\na\nb\n$$\n'],
  ['beside Chinese', '其中$x$是质量', '其中$$x$$是质量'],
])('%s', (_what, text, marked) => {
  expect(withMathDelimiters(text)).toBe(marked);
});

test.each([
  'It costs $5 and then $6.',
  'From $5-$6, or US$5.',
  'Escaped \\$x\\$ and \\\\(not\\\\)',
  'In `code $x$` and\n```\n$x$ \\[y\\]\n```\n',
  'Not closed $x and \\[y',
  'Nothing at all',
])('%s is left alone', (text) => {
  expect(withMathDelimiters(text)).toBe(text);
});
