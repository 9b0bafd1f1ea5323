import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as PeerTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { characterTokenizer } from './characters.ts';
import { anyText } from './fuzzed-text.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainTokenizer } from './train.ts';
import { smallCorpus } from './training-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'tokenizer-format-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const own = trainTokenizer({ texts: [...smallCorpus, ...smallCorpus], vocabulary: 600 });
own.save(folder);
const ownJson = readFileSync(join(folder, 'tokenizer.json'), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: the tests reach into arbitrary JSON
type Json = Record<string, any>;

/** Our tokenizer.json with a few things changed. */
function changed(change: (json: Json) => void): string {
  const json = JSON.parse(ownJson) as Json;
  change(json);
  return JSON.stringify(json);
}

const PATTERNS = {
  llama3:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  qwen2:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  gpt4o:
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  han: '[\\p{Han}]+|\\p{Hiragana}+|[^\\p{Han}\\s]+|\\s',
};

const byteLevel = (use_regex: boolean, add_prefix_space = false) => ({
  type: 'ByteLevel',
  add_prefix_space,
  trim_offsets: true,
  use_regex,
});
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });

const foreign: Record<string, (json: Json) => void> = {
  'GPT-2': (json) => {
    json.pre_tokenizer = byteLevel(true);
    json.added_tokens = json.added_tokens.slice(0, 1);
  },
  'GPT-2 with a space in front': (json) => {
    json.pre_tokenizer = byteLevel(true, true);
  },
  SmolLM: (json) => {
    json.pre_tokenizer = {
      type: 'Sequence',
      pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)],
    };
  },
  'Llama 3': (json) => {
    json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split(PATTERNS.llama3), byteLevel(false)] };
    json.model.ignore_merges = true;
    json.model.merges = json.model.merges.map((merge: string) => merge.split(' '));
  },
  Qwen: (json) => {
    json.normalizer = { type: 'NFC' };
    json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split(PATTERNS.qwen2), byteLevel(false)] };
    json.added_tokens.push({ ...json.added_tokens[3], id: 600, content: '<tool>', special: false });
  },
  'GPT-4o': (json) => {
    json.pre_tokenizer = { type: 'Sequence', pretokenizers: [split(PATTERNS.gpt4o), byteLevel(false)] };
  },
  DeepSeek: (json) => {
    const pretokenizers = [split('\\p{N}{1,3}'), split('[一-龥぀-ゟ゠-ヿ]+'), split(PATTERNS.han), byteLevel(false)];
    json.pre_tokenizer = { type: 'Sequence', pretokenizers };
  },
};

describe.each(Object.entries(foreign))('a tokenizer in the style of %s', (_, change) => {
  const json = changed(change);
  const tokenizer = Tokenizer.fromJson(json);
  const peer = new PeerTokenizer(JSON.parse(json), {});

  test('gives the same ids as Hugging Face', () => {
    // The peer reads special tokens in text, and differs from the Rust original (which check-against-hugging-face.py
    // compares) in that it folds case and counts digits in ASCII only.
    const text = anyText.map((value) => value.replaceAll('<|', '<!').replaceAll(/[ſK]|(?![0-9])\p{N}/gu, ''));
    fc.assert(
      fc.property(text, (value) => {
        expect(tokenizer.encode(value)).toEqual(peer.encode(value).ids);
      }),
      { numRuns: 300 },
    );
  });

  test('survives a load and a save byte for byte', () => {
    const copy = mkdtempSync(join(folder, 'copy-'));
    tokenizer.save(copy);
    expect(readFileSync(join(copy, 'tokenizer.json'), 'utf8')).toBe(json);
    expect(Tokenizer.load(copy).hash).toBe(tokenizer.hash);
  });
});

test('GPT-2 gives the ids that it was published with', () => {
  // An excerpt of its vocabulary (MIT, OpenAI), written by check-against-hugging-face.py.
  const golden = JSON.parse(readFileSync(new URL('gpt2.golden.json', import.meta.url), 'utf8')) as {
    cases: { text: string; ids: number[] }[];
    tokenizer: Json;
  };
  const tokenizer = Tokenizer.fromJson(JSON.stringify(golden.tokenizer));
  expect(tokenizer.encode('Hello world')).toEqual([15496, 995]);
  for (const { text, ids } of golden.cases) {
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  }
  expect(() => tokenizer.decode([50256])).toThrow('token id 50256');
});

test('tokens added as ordinary text are found in text, special ones are not', () => {
  const tokenizer = Tokenizer.fromJson(changed(foreign.Qwen!));
  expect(tokenizer.encode('a<tool>')).toContain(600);
  expect(tokenizer.special).not.toHaveProperty('<tool>');
  expect(tokenizer.decode([600])).toBe('<tool>');
});

test('added tokens take the longest match, and white space along if they say so', () => {
  const tokenizer = Tokenizer.fromJson(
    changed((json) => {
      const { special } = json.added_tokens[0];
      json.added_tokens.push({ id: 600, content: '<mask>', special, lstrip: true, rstrip: true });
      json.added_tokens.push({ id: 601, content: '<mask>s', special });
    }),
  );
  const encode = (text: string) => tokenizer.encode(text, { special: true });
  expect(encode('a \n<mask> b')).toEqual([...encode('a'), 600, ...encode('b')]);
  expect(encode('a <mask>s b')).toEqual([...encode('a '), 601, ...encode(' b')]);
});

describe('a damaged tokenizer.json is refused, saying what is wrong', () => {
  test.each([
    ['cut off', ownJson.slice(0, ownJson.length / 2), 'tokenizer.json is corrupt: it is not complete JSON'],
    ['empty', '', 'it is not complete JSON'],
    ['not an object', '[]', 'the file is not an object'],
    ['without a model', '{}', 'model is not an object'],
    ['without a vocabulary', changed((json) => delete json.model.vocab), 'model.vocab is not an object'],
    ['without merges', changed((json) => delete json.model.merges), 'model.merges is not a list'],
    [
      'with a merge of unknown tokens',
      changed((json) => json.model.merges.push('zz qq')),
      'needs the token "zz", which model.vocab lacks',
    ],
    ['with half a merge', changed((json) => json.model.merges.push('a')), 'merge 340 is "a", expected two tokens'],
    ['with an id that is no number', changed((json) => (json.model.vocab.a = '7')), 'model.vocab gives "a" the id 7'],
    ['with an added token without id', changed((json) => delete json.added_tokens[0].id), 'lacks its content or id'],
  ])('%s', (_, json, message) => {
    expect(() => Tokenizer.fromJson(json)).toThrow(message);
  });

  test('a missing one by its path', () => {
    expect(() => Tokenizer.load(join(folder, 'nowhere'))).toThrow(join(folder, 'nowhere', 'tokenizer.json'));
  });

  test('a damaged one by its path too', () => {
    const broken = mkdtempSync(join(folder, 'broken-'));
    writeFileSync(join(broken, 'tokenizer.json'), ownJson.slice(0, 1000));
    expect(() => Tokenizer.load(broken)).toThrow(`cannot load the tokenizer in ${broken}: tokenizer.json is corrupt`);
    writeFileSync(join(broken, 'tokenizer.json'), ownJson);
    writeFileSync(join(broken, 'tokenizer_config.json'), '{"chat_template":');
    expect(() => Tokenizer.load(broken)).toThrow(`${broken}: tokenizer_config.json is corrupt`);
    writeFileSync(join(broken, 'tokenizer_config.json'), '{"chat_template": "{% if %}"}');
    expect(() => Tokenizer.load(broken)).toThrow('the chat template is not valid Jinja');
  });
});

describe('what is not supported is named', () => {
  test.each<[string, (json: Json) => void, string]>([
    ['another model', (json) => (json.model.type = 'Unigram'), 'model.type "Unigram"'],
    ['byte fallback', (json) => (json.model.byte_fallback = true), 'model.byte_fallback true'],
    ['a suffix', (json) => (json.model.end_of_word_suffix = '</w>'), 'model.end_of_word_suffix "</w>"'],
    ['another normalizer', (json) => (json.normalizer = { type: 'Lowercase' }), 'normalizer.type "Lowercase"'],
    ['another pre-tokenizer', (json) => (json.pre_tokenizer = { type: 'Metaspace' }), 'pre_tokenizer.type "Metaspace"'],
    [
      'another split',
      (json) => (json.pre_tokenizer = { ...split('a'), behavior: 'MergedWithNext' }),
      '"MergedWithNext"',
    ],
    ['a pattern', (json) => (json.pre_tokenizer = split('(?>a)')), 'splits by "(?>a)"'],
    ['merges without bytes', (json) => (json.pre_tokenizer = null), 'BPE over characters with merges'],
  ])('%s', (_, change, message) => {
    expect(() => Tokenizer.fromJson(changed(change))).toThrow(message);
  });
});

describe('the character tokenizer', () => {
  const text = 'To be, or not to be?\n你好 😀 __proto__ 42';
  const tokenizer = characterTokenizer(text);

  test('has exactly the distinct characters, in code point order', () => {
    expect(tokenizer.vocabulary).toBe(new Set(text).size);
    expect(tokenizer.special).toEqual({});
    expect(tokenizer.decode([...Array(tokenizer.vocabulary).keys()])).toBe(
      [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!).join(''),
    );
  });

  test('gives one id per character and the text back, also after a save and in Hugging Face', () => {
    const saved = mkdtempSync(join(folder, 'characters-'));
    tokenizer.save(saved);
    const peer = new PeerTokenizer(JSON.parse(readFileSync(join(saved, 'tokenizer.json'), 'utf8')), {});
    const ids = tokenizer.encode(text);
    expect(ids).toHaveLength([...text].length);
    expect(Tokenizer.load(saved).encode(text)).toEqual(ids);
    expect(peer.encode(text).ids).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(peer.decode(ids)).toBe(text);
  });

  test('names a character that it does not know', () => {
    expect(() => tokenizer.encode('To bé')).toThrow(
      `character "é" (U+00E9) is not among the ${tokenizer.vocabulary} characters`,
    );
    expect(() => tokenizer.encodeBytes(Uint8Array.of(65))).toThrow('one token per character');
    expect(() => characterTokenizer('')).toThrow('not empty');
  });
});
