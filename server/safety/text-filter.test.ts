import { safetySettingsSchema } from '@parley/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { personalDataIn, Rules } from './rules.ts';
import { type Found, TextFilter } from './text-filter.ts';

const settings = safetySettingsSchema.parse({
  wordLists: [
    { name: 'rude', input: 'mask', output: 'mask', words: ['idiot', 'son of a bitch', '白痴', '傻', 'Dummkopf'] },
    { name: 'bad', input: 'refuse', output: 'refuse', words: ['pipe bomb', '制造炸弹'] },
    { name: 'noted', input: 'pass', output: 'warn', words: ['gosh'] },
  ],
  personalData: {
    email: { input: 'mask', output: 'mask' },
    phone: { input: 'mask', output: 'mask' },
    identityCard: { input: 'mask', output: 'mask' },
    creditCard: { input: 'mask', output: 'mask' },
  },
});
const rules = new Rules(settings, 'output');

function filtered(pieces: readonly string[], known?: ReadonlySet<string>) {
  const found: Found[] = [];
  const filter = new TextFilter(rules, { known, onFound: (one) => found.push(one) });
  const shown = [...pieces.map((piece) => filter.push(piece)), filter.end()];
  return { shown, text: shown.join(''), found, stopped: filter.stopped };
}

const masked = (text: string) => filtered([text]).text;

test('listed words are masked: whole words in scripts with spaces, anywhere in Chinese', () => {
  expect(masked('You IDIOT! An idiotic idea, idiots.')).toBe('You •••! An idiotic idea, idiots.');
  expect(masked('你这个白痴，太傻了 dummkopf')).toBe('你这个•••，太•••了 •••');
  expect(masked('这个idiot说')).toBe('这个•••说');
  expect(masked('son  of\na bitch')).toBe('•••');
});

test('looks do not help: full width, accents and invisible characters', () => {
  expect(masked('ｉｄｉｏｔ, id\u200biot, ídíot, 白\u200d痴')).toBe('•••, •••, •••, •••');
});

test('a refused text ends before what is refused, whatever follows', () => {
  const { text, stopped, found } = filtered(['First, make a pipe', ' bomb. Then idiot']);
  expect(text).toBe('First, make a ');
  expect(stopped).toBe(true);
  expect(found.map(({ rule, action }) => [rule, action])).toEqual([['words:bad', 'refuse']]);
});

test('personal data is masked by its form and its check digit', () => {
  expect(masked('Write to ann.lee+1@mail.example.org, now.')).toBe('Write to [e-mail], now.');
  expect(masked('电话：138 0013 8000，或 021-61234567。')).toBe('电话：[phone]，或 [phone]。');
  expect(masked('+49 (30) 901820 and (555) 123-4567')).toBe('[phone] and [phone]');
  expect(masked('身份证11010519491231002X，不是110105194912310021')).toBe('身份证[ID card]，不是110105194912310021');
  expect(masked('4111 1111 1111 1111 but not 4111 1111 1111 1112')).toBe('[card] but not 4111 1111 1111 1112');
});

test('other numbers stay', () => {
  const text = 'In 2024, 1,299.50 or 3.14159265 of 12345678; 2024-11-22 10:15, ISBN 978-3-16-148410-0, 100000000.';
  expect(masked(text)).toBe(text);
});

test('what the person or the documents wrote themselves is no secret', () => {
  const known = personalDataIn('Call us: +86 138-0013-8000 or HELP@example.org');
  expect(filtered(['+86 13800138000, help@example.org, me@example.org'], known).text).toBe(
    '+86 13800138000, help@example.org, [e-mail]',
  );
});

test('what is only noted stays, and the log shows personal data by its kind', () => {
  const { text, found } = filtered(['Gosh, mail bob@example.org! You idiot.']);
  expect(text).toBe('Gosh, mail [e-mail]! You •••.');
  expect(found.map(({ rule, action }) => `${rule} ${action}`)).toEqual([
    'words:noted warn',
    'personal-data:email mask',
    'words:rude mask',
  ]);
  expect(JSON.stringify(found)).not.toContain('bob@');
});

test('text that can be nothing forbidden goes at once; the beginning of something is held', () => {
  expect(filtered(['你好', '，白', '云，白', '痴']).shown).toEqual(['你好', '，', '白云，', '', '•••']);
  expect(filtered(['Hello id', 'ea of', ' mine']).shown).toEqual(['Hello ', 'idea ', 'of ', 'mine']);
});

test('a later run is judged together with the end of the earlier one', () => {
  const found: Found[] = [];
  const resumed = (before: string, after: string) => {
    const filter = new TextFilter(rules, { onFound: (one) => found.push(one) });
    filter.resume(before);
    return filter.push(after) + filter.end();
  };
  expect(resumed('You are an idi', 'ot. Bye')).toBe('•••. Bye');
  expect(resumed('Mail ann@exam', 'ple.org')).toBe('[e-mail]');
  expect(resumed('A pipe ', 'bomb')).toBe('');
  expect(resumed('An idiot.', ' Yes')).toBe(' Yes');
  expect(found).toHaveLength(3);
});

const fragments = fc.constantFrom(
  ...['idiot', 'idi', 'ot', 'son of ', 'a bitch', '白', '痴', '制造', '炸弹', '傻', 'gosh', ' ', '  ', '\n', '.', '@'],
  ...[
    'ann@example.org',
    'a.b',
    '+86',
    '138',
    '00138000',
    '(021)',
    '-',
    '61234567',
    '4111',
    ' 1111',
    '11010519491231002X',
  ],
  ...['\u200b', '\u0301', '🦊', '\ud83e', 'ｉｄ', 'x', '，'],
);
const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join('')),
);

test('however the text comes in pieces, the result and the findings are the same', () => {
  fc.assert(
    fc.property(texts, fc.array(fc.nat(12), { maxLength: 60 }), (text, sizes) => {
      const whole = filtered([text]);
      const pieces: string[] = [];
      let at = 0;
      for (const size of sizes) {
        pieces.push(text.slice(at, at + size));
        at += size;
      }
      const streamed = filtered([...pieces, text.slice(at)]);
      expect(streamed.text).toBe(whole.text);
      expect(streamed.found).toEqual(whole.found);
    }),
    { numRuns: 2_000 },
  );
});

test('cutting the text into stretches loses nothing that a look at the whole of it finds', () => {
  const masks = new Rules({ ...settings, wordLists: settings.wordLists.slice(0, 1) }, 'output');
  fc.assert(
    fc.property(texts, (text) => {
      const filter = new TextFilter(masks, { onFound: () => {} });
      const streamed = filter.push(text) + filter.end();
      let [whole, at] = ['', 0];
      for (const { start, end, mask } of masks.find(text)) {
        whole += text.slice(at, start) + mask;
        at = end;
      }
      expect(streamed).toBe(whole + text.slice(at));
    }),
    { numRuns: 2_000 },
  );
});
