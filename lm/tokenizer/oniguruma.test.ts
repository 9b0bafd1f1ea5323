import { expect, test } from 'vitest';
import { compileOniguruma } from './oniguruma.ts';

const matches = (pattern: string, text: string) => text.match(compileOniguruma(pattern));

test('shorthands are Unicode-wide', () => {
  expect(matches('\\s+', 'a \u0085\u2028b')).toEqual([' \u0085\u2028']);
  expect(matches('\\s', 'a\ufeffb')).toBeNull();
  expect(matches('\\d+', '1٣')).toEqual(['1٣']);
  expect(matches('[\\w]+', 'é_ж9')).toEqual(['é_ж9']);
  expect(matches('\\W', 'aé-')).toEqual(['-']);
});

test('scripts and negated properties are found', () => {
  expect(matches('\\p{Han}+', 'a你好b')).toEqual(['你好']);
  expect(matches('\\p{^L}+', 'a12b')).toEqual(['12']);
  expect(matches('\\P{^L}+', '1ab2')).toEqual(['ab']);
});

test('ignoring case ends with its group', () => {
  expect(matches("(?i:'ll|'s)b", "'LLb 'ſb 'LLB")).toEqual(["'LLb", "'ſb"]);
  expect(matches('(?i:[a-c]k)', 'Bk cK dk')).toEqual(['Bk', 'cK']);
});

test('possessive quantifiers give nothing back', () => {
  expect(matches('a++a', 'aaa')).toBeNull();
  expect(matches('[ab]*+b', 'aab')).toBeNull();
  expect(matches('(?:ab)?+c', 'abc')).toEqual(['abc']);
  expect(matches('x?+y++z', 'xyyz')).toEqual(['xyyz']);
});

test('escapes, dots and anchors mean what they mean in Ruby', () => {
  expect(matches('\\x{4F60}|\\x21|\\u597d', '你!好')).toEqual(['你', '!', '好']);
  expect(matches('.+', 'a\rb\nc')).toEqual(['a\rb', 'c']);
  expect(matches('^\\w$', 'a\nbb\nc')).toEqual(['a', 'c']);
  expect(matches('[\\]\\-/{]|}', ']-/{}')).toEqual([']', '-', '/', '{', '}']);
  expect(matches('a{2,3}?|!{1}', 'aaaa!')).toEqual(['aa', 'aa', '!']);
});

test('what cannot be translated is quoted', () => {
  for (const pattern of ['(?<name>a)', '[a&&[^b]]', '\\G', '[a', '(a', 'a)', '\\p{Nonsense}', '\\']) {
    expect(() => compileOniguruma(pattern)).toThrow(`splits by ${JSON.stringify(pattern)}`);
  }
});
