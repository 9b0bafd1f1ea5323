import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as PeerTokenizer } from '@huggingface/tokenizers';
import { setThreads, threads } from '@parley/engine';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { anyText } from './fuzzed-text.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainTokenizer } from './train.ts';
import { smallCorpus } from './training-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'tokenizer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tokenizer = trainTokenizer({ texts: [...smallCorpus, ...smallCorpus], vocabulary: 600 });
tokenizer.save(folder);
const peer = new PeerTokenizer(
  JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')),
  JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')),
);

/** The peer always reads special tokens in text; between its words that is the only difference there may be. */
const withoutSpecialTokens = anyText.map((text) => text.replaceAll('<|', '<!'));

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

describe('the same ids as Hugging Face', () => {
  test('for fuzzed text of all kinds', () => {
    fc.assert(
      fc.property(withoutSpecialTokens, (text) => {
        expect(tokenizer.encode(text)).toEqual(peer.encode(text).ids);
      }),
      { numRuns: 1500 },
    );
  });

  test('for bytes that are not UTF-8, read as text with U+FFFD', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = utf8.decode(bytes);
        expect(tokenizer.encode(text)).toEqual(peer.encode(text).ids);
      }),
    );
  });

  test('for special tokens, when they are asked for', () => {
    const text = '<|im_start|>user\n你好<|im_end|>\n<|endoftext|><|pad|> <|im_|>';
    expect(tokenizer.encode(text, { special: true })).toEqual(peer.encode(text).ids);
  });
});

describe('native code and TypeScript', () => {
  // The same pattern in other words is not recognised: it is split by a regular expression and merged in TypeScript.
  const json = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8'));
  const [{ pattern }] = json.pre_tokenizer.pretokenizers;
  pattern.Regex = `(?:${pattern.Regex})`;
  const inTypeScript = Tokenizer.fromJson(JSON.stringify(json));

  test('give the same ids for fuzzed text of all kinds', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.encode(text)).toEqual(inTypeScript.encode(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('for every code point, between letters, after an apostrophe and after a space', () => {
    const fresh = Tokenizer.load(folder);
    for (let code = 0; code < 0x110000; code += 0x1000) {
      // Nothing is assigned in planes 4 to 13.
      if (code >= 0x41000 && code < 0xdf000) continue;
      const text = Array.from({ length: 0x1000 }, (_, i) => `a${String.fromCodePoint(code + i)}b's`).join(' ');
      expect(fresh.encode(text)).toEqual(inTypeScript.encode(text));
    }
  });

  test('for words that no cache line holds and words merged in a heap', () => {
    for (const unit of ['the', '港口', '=', 'then they ', '😀a']) {
      for (let length = 1; length < 100; length++) {
        const text = unit.repeat(length).slice(0, length * 2);
        expect(tokenizer.encode(text)).toEqual(inTypeScript.encode(text));
      }
    }
  });

  test('for long texts, whatever the number of threads', () => {
    const before = threads();
    const pieces = fc.sample(anyText, { numRuns: 4000, seed: 1 });
    const text = [...pieces, ...smallCorpus].join('\n').repeat(3);
    expect(text.length).toBeGreaterThan(1 << 19);
    const expected = inTypeScript.encode(text);
    try {
      for (const count of [1, 2, 3]) {
        setThreads(count);
        expect(tokenizer.encode(text)).toEqual(expected);
      }
    } finally {
      setThreads(before);
    }
  });

  test('for white space of all kinds, in linear time', () => {
    const text = ' \u3000\t\u3000\u2003'.repeat(1 << 17);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    const short = text.slice(0, 5000);
    expect(tokenizer.encode(`${short}\n${short}a`)).toEqual(inTypeScript.encode(`${short}\n${short}a`));
  });
});

describe('text', () => {
  test('comes back from its ids, lone surrogates as U+FFFD', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(Buffer.from(text).toString());
      }),
      { numRuns: 1000 },
    );
  });

  test('never turns into special tokens', () => {
    for (const [content, id] of Object.entries(tokenizer.special)) {
      const ids = tokenizer.encode(`a${content}b`);
      expect(ids).not.toContain(id);
      expect(tokenizer.decode(ids)).toBe(`a${content}b`);
      expect(tokenizer.encode(content, { special: true })).toEqual([id]);
    }
  });

  test('of one endless word is encoded in near-linear time, to the ids of the slow merge', () => {
    // 160 symbols: beyond the limit up to which words are merged by scanning.
    const word = 'thethethereandtherea'.repeat(8);
    expect(tokenizer.decode(tokenizer.encode(word))).toBe(word);
    expect(tokenizer.encode(word)).toEqual(peer.encode(word).ids);
    const megabyte = 'thequickbrownfox'.repeat(1 << 16);
    const started = performance.now();
    const ids = tokenizer.encode(megabyte);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(tokenizer.decode(ids)).toBe(megabyte);
  });

  test('encodes the same whatever was encoded before', () => {
    const fresh = Tokenizer.load(folder);
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.encode(text)).toEqual(fresh.encode(text));
      }),
    );
    for (let i = 0; i < 300_000; i++) fresh.encode(`w${i}`);
    expect(fresh.encode('w7 你好 world')).toEqual(tokenizer.encode('w7 你好 world'));
  });
});

describe('bytes', () => {
  test('come back exactly, UTF-8 or not', () => {
    const mixed = fc
      .array(
        fc.oneof(
          fc.uint8Array({ maxLength: 6 }),
          anyText.map((text) => new Uint8Array(Buffer.from(text))),
        ),
        { maxLength: 5 },
      )
      .map((parts) => new Uint8Array(Buffer.concat(parts)));
    fc.assert(
      fc.property(mixed, (bytes) => {
        const ids = tokenizer.encodeBytes(bytes);
        expect(Buffer.from(tokenizer.decodeBytes(ids)).equals(bytes)).toBe(true);
        expect(tokenizer.decode(ids)).toBe(utf8.decode(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test('that are UTF-8 get the ids of their text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.encodeBytes(Buffer.from(text))).toEqual(tokenizer.encode(text));
      }),
    );
  });
});

describe('the stream decoder', () => {
  const anyIds = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 4, max: 259 }),
      fc.integer({ min: 0, max: tokenizer.vocabulary - 1 }),
    ),
    { maxLength: 40 },
  );

  test('gives the text of decode, whatever the ids', () => {
    const decoder = tokenizer.streamDecoder();
    fc.assert(
      fc.property(anyIds, (ids) => {
        const pieces = ids.map((id) => decoder.push(id));
        expect(pieces.join('') + decoder.end()).toBe(tokenizer.decode(ids));
      }),
      { numRuns: 2000 },
    );
  });

  test('never splits a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const decoder = tokenizer.streamDecoder();
        // One token per byte: the worst that a model can do.
        const pieces = [...Buffer.from(text)]
          .flatMap((byte) => tokenizer.encodeBytes(Uint8Array.of(byte)))
          .map(decoder.push);
        for (const piece of pieces) expect([...piece].length).toBeLessThanOrEqual(1);
        expect(pieces.join('')).toBe(text);
        expect(decoder.end()).toBe('');
      }),
    );
  });

  test('shows an unfinished character as U+FFFD at the end', () => {
    const decoder = tokenizer.streamDecoder();
    const [first, second] = [...Buffer.from('你')].flatMap((byte) => tokenizer.encodeBytes(Uint8Array.of(byte)));
    expect([decoder.push(first!), decoder.push(second!), decoder.end()]).toEqual(['', '', '\ufffd']);
  });
});

test('special tokens are left out of decoded text unless asked for', () => {
  const ids = tokenizer.encode('<|im_start|>hi<|im_end|>', { special: true });
  expect(tokenizer.decode(ids)).toBe('hi');
  expect(tokenizer.decode(ids, { special: true })).toBe('<|im_start|>hi<|im_end|>');
});

test('ids outside the vocabulary are refused by name', () => {
  expect(() => tokenizer.decode([5, 600])).toThrow('token id 600 is not in the vocabulary of 600 tokens');
  expect(() => tokenizer.decode([-1])).toThrow('token id -1');
  expect(() => tokenizer.streamDecoder().push(99999)).toThrow('token id 99999');
});

test('a saved tokenizer loads with the same hash and ids', () => {
  const loaded = Tokenizer.load(folder);
  expect(loaded.hash).toBe(tokenizer.hash);
  expect(loaded.vocabulary).toBe(600);
  expect(loaded.special).toEqual({ '<|endoftext|>': 0, '<|im_start|>': 1, '<|im_end|>': 2, '<|pad|>': 3 });
});
