/** What a tokenizer.json means, and how Parley writes its own. */

import { BYTE_PAIR_IDS, BytePairEncoder } from '@parley/engine';
import type { AddedToken } from './added-tokens.ts';
import { WordEncoder } from './bpe.ts';
import { BYTES_IN_ALPHABET_ORDER, bytesOfSpelling, spellBytes } from './byte-alphabet.ts';
import { CHAT_TEMPLATE, END_OF_TEXT, END_OF_TURN, PADDING, START_OF_TURN } from './chatml.ts';
import type { TokenizerFiles } from './files.ts';
import { parseNormalizer, parsePreTokenizer } from './pre-tokenizer.ts';
import { SPLIT_PATTERN } from './split.ts';
import { characterClasses, splitWords } from './word-scanner.ts';

/** What a tokenizer.json means. */
export interface TokenizerModel {
  /** The ids of a text in which no added token is looked for. */
  encodeText: (text: string) => number[];
  /** The token of each byte, -1 where there is none; null for tokenizers that do not work on bytes. */
  byteIds: Int32Array | null;
  /** The bytes of each token; undefined where an id is not used. */
  tokens: (Uint8Array | undefined)[];
  added: AddedToken[];
}

/** The special tokens of Parley's own tokenizers; their ids are their places here. */
const SPECIAL_TOKENS = [END_OF_TEXT, START_OF_TURN, END_OF_TURN, PADDING];

/** Ids of the bytes in Parley's own tokenizers: after the special tokens, in alphabet order. */
export const FIRST_BYTE_ID = SPECIAL_TOKENS.length;
/** The id that the first merge makes. */
export const FIRST_MERGE_ID = FIRST_BYTE_ID + 256;

/** The files of a tokenizer with the given merges. @param merges two ids per merge: left, right */
export function bytePairFiles(merges: ArrayLike<number>): TokenizerFiles {
  const spellings = [...SPECIAL_TOKENS, ...BYTES_IN_ALPHABET_ORDER.map((byte) => spellBytes(Uint8Array.of(byte)))];
  const mergeLines: string[] = [];
  for (let i = 0; i < merges.length; i += 2) {
    const left = spellings[merges[i]!]!;
    const right = spellings[merges[i + 1]!]!;
    mergeLines.push(`${left} ${right}`);
    spellings.push(left + right);
  }
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({ id, content, ...plain })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: SPLIT_PATTERN }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    model: bytePairModel(spellings, mergeLines),
  };
  const roles = { bos_token: END_OF_TEXT, eos_token: END_OF_TURN, pad_token: PADDING };
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    add_bos_token: false,
    add_prefix_space: false,
    clean_up_tokenization_spaces: false,
    ...roles,
    unk_token: null,
    added_tokens_decoder: Object.fromEntries(SPECIAL_TOKENS.map((content, id) => [id, { content, ...plain }])),
    chat_template: CHAT_TEMPLATE,
  };
  return {
    'tokenizer.json': `${JSON.stringify(tokenizer, null, 2)}\n`,
    'tokenizer_config.json': `${JSON.stringify(config, null, 2)}\n`,
    'special_tokens_map.json': `${JSON.stringify(roles, null, 2)}\n`,
  };
}

type Json = Record<string, unknown>;

/**
 * Reads a tokenizer.json: byte-level BPE (GPT-2, Llama 3, Qwen, SmolLM …) or BPE over characters without merges.
 * @throws Error naming what is corrupt or not supported
 */
export function parseTokenizer(text: string): TokenizerModel {
  const json = parseJson(text);
  const model = object(json.model, 'model');
  if (model.type !== 'BPE' && model.type !== undefined) {
    throw unsupported(`model.type ${JSON.stringify(model.type)}`, 'BPE');
  }
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix', 'dropout', 'byte_fallback']) {
    if (model[key]) throw unsupported(`model.${key} ${JSON.stringify(model[key])}`, 'none');
  }
  const vocabulary = new Map(Object.entries(object(model.vocab, 'model.vocab')) as [string, number][]);
  for (const [token, id] of vocabulary) {
    if (!Number.isInteger(id) || id < 0) throw corrupt(`model.vocab gives ${JSON.stringify(token)} the id ${id}`);
  }
  const added = array(json.added_tokens ?? [], 'added_tokens').map(parseAddedToken);
  const preTokenizer = parsePreTokenizer(json.pre_tokenizer);
  const normalize = parseNormalizer(json.normalizer);
  const tokens: (Uint8Array | undefined)[] = [];
  const utf8 = new TextEncoder();

  if (!preTokenizer.bytes) {
    if (array(model.merges, 'model.merges').length > 0) {
      throw unsupported('BPE over characters with merges', 'a ByteLevel pre-tokenizer, or no merges at all');
    }
    for (const [character, id] of vocabulary) tokens[id] = utf8.encode(character);
    for (const token of added) tokens[token.id] = utf8.encode(token.content);
    const encodeText = (piece: string) =>
      Array.from(piece, (character) => vocabulary.get(character) ?? unknownCharacter(character, vocabulary.size));
    return { encodeText, byteIds: null, tokens, added };
  }

  for (const [token, id] of vocabulary) tokens[id] = bytesOfSpelling(token) ?? utf8.encode(token);
  for (const token of added) tokens[token.id] = utf8.encode(token.content);
  const byteIds = Int32Array.from({ length: 256 }, (_, byte) => vocabulary.get(spellBytes(Uint8Array.of(byte))) ?? -1);
  const wholeWords = model.ignore_merges === true ? textOfTokens(vocabulary) : null;
  const merges = parseMerges(model.merges, vocabulary);
  if (preTokenizer.split === splitWords && !json.normalizer && wholeWords === null && tokens.length <= BYTE_PAIR_IDS) {
    const encoder = new BytePairEncoder(byteIds, merges, characterClasses);
    return { encodeText: (piece) => plainArray(encoder.encode(piece)), byteIds, tokens, added };
  }
  const encoder = new WordEncoder(byteIds, merges, wholeWords);
  const encodeText = (piece: string) => {
    const ids: number[] = [];
    preTokenizer.split(normalize(piece), (word, start, end) => encoder.encodeWord(word, start, end, ids));
    return ids;
  };
  return { encodeText, byteIds, tokens, added };
}

/** Array.from, but without its iterator: five times as fast. */
function plainArray(ids: Int32Array): number[] {
  const array = new Array<number>(ids.length);
  for (let i = 0; i < ids.length; i++) array[i] = ids[i]!;
  return array;
}

function parseMerges(value: unknown, vocabulary: Map<string, number>): Int32Array {
  const merges = array(value, 'model.merges');
  const ids = new Int32Array(merges.length * 3);
  for (const [rank, merge] of merges.entries()) {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw corrupt(`merge ${rank} is ${JSON.stringify(merge)}, expected two tokens`);
    }
    const [left, right] = pair as [string, string];
    for (const [part, token] of [left, right, left + right].entries()) {
      const id = vocabulary.get(token);
      if (id === undefined)
        throw corrupt(`merge ${rank} needs the token ${JSON.stringify(token)}, which model.vocab lacks`);
      ids[rank * 3 + part] = id;
    }
  }
  return ids;
}

function parseAddedToken(value: unknown): AddedToken {
  const token = object(value, 'an added token');
  if (typeof token.content !== 'string' || token.content === '' || !Number.isInteger(token.id)) {
    throw corrupt(`added token ${JSON.stringify(value)} lacks its content or id`);
  }
  if (token.single_word) throw unsupported(`single_word of the added token ${JSON.stringify(token.content)}`, 'false');
  return {
    id: token.id as number,
    content: token.content,
    special: token.special === true,
    lstrip: token.lstrip === true,
    rstrip: token.rstrip === true,
  };
}

/** Tokens that are whole text by themselves, by their text. */
function textOfTokens(vocabulary: Map<string, number>): Map<string, number> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const words = new Map<string, number>();
  for (const [spelling, id] of vocabulary) {
    const bytes = bytesOfSpelling(spelling);
    try {
      if (bytes !== null) words.set(decoder.decode(bytes), id);
    } catch {
      // A piece of a character can never be a word of a text.
    }
  }
  return words;
}

function unknownCharacter(character: string, size: number): never {
  const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  throw new Error(
    `character ${JSON.stringify(character)} (U+${code}) is not among the ${size} characters of this tokenizer; ` +
      'train a byte-level tokenizer for open text',
  );
}

function parseJson(text: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw corrupt(`it is not complete JSON (${(error as Error).message})`);
  }
  return object(json, 'the file');
}

function object(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(`${name} is not an object`);
  return value as Json;
}

function array(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw corrupt(`${name} is not a list`);
  return value;
}

const corrupt = (what: string) => new Error(`tokenizer.json is corrupt: ${what}; fetch or train it again`);
const unsupported = (what: string, expected: string) =>
  new Error(`tokenizer.json uses ${what}, which Parley does not support (expected ${expected})`);

/** The `model` of tokenizer.json; the order of its keys is part of the file's hash. Ids are places in `spellings`. */
export function bytePairModel(spellings: string[], merges: string[]) {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(spellings.map((spelling, id) => [spelling, id])),
    merges,
  };
}
