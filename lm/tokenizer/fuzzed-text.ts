/** Texts that tokenizers stumble over, for the tests' random generators. */
import fc from 'fast-check';

const snippets = [
  'The quick brown fox',
  " didn't they'll I'M 'tis",
  'naïve café Straße ΑΒγ привет',
  '你好，世界！',
  '二〇二四年三月',
  '\u3000\u3000话说天下大势，分久必合',
  'ひらがなカタカナー漢字',
  '한국어',
  'हिन्दी ภาษาไทย',
  'السلام عليكم',
  '👩‍👩‍👧‍👦🏳️‍🌈👍🏽',
  '1️⃣❤️🇨🇳',
  '3.14159 1,000,000 ٣٤٥ Ⅷ½²',
  'const x = (a[0] ?? b) => `$(c)`;\n\tif (x) {\r\n    return -1;\n  }\n',
  'def f(self, **kwargs):\n    """doc"""\n    return {k: v for k, v in kwargs.items()}\n',
  '<|im_start|>user',
  '<|im_end|>',
  'https://example.org/?q=%E4%BD%A0&x=_y',
  '   ',
  '\n\n\n',
  ' \t \n ',
  '\r\n',
  '\u00a0\u2003\u0085\u2028\ufeff',
  '\u0000\u0001\u001b[0m\u007f\u009f',
  'e\u0301\u0323 \u0301 \u3099',
  '\ud800',
  '\udc00',
  '\ufffd\uffff\u{10ffff}\u{e0001}',
  '𠀀𪚥𝒳𝟙',
  'ſK',
  '-----=====',
  'aaaaaaaaaaaaaaaaaaaaaaaa',
];

/** English, Chinese, other scripts, emoji, code, white space, control characters, lone surrogates; all mixed. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...snippets) },
      { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 12 }) },
      { weight: 1, arbitrary: fc.constantFrom(' ', '\n', "'", '\u3000', '  ') },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) },
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
