/** `pre_tokenizer` and `normalizer` of a tokenizer.json, compiled to functions. */
import { compileOniguruma } from './oniguruma.ts';
import { SPLIT_PATTERN, type Split } from './split.ts';
import { splitWords } from './word-scanner.ts';

interface PreTokenizer {
  split: Split;
  /** Whether words are spelled in bytes afterwards (a ByteLevel step). */
  bytes: boolean;
}

type Json = Record<string, unknown>;

/** GPT-2's split, built into the ByteLevel step. */
const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const keepWhole: Split = (text, visit) => {
  if (text !== '') visit(text, 0, text.length);
};

/** @throws Error naming a type or behaviour that is not supported */
export function parsePreTokenizer(value: unknown): PreTokenizer {
  if (value === null || value === undefined) return { split: keepWhole, bytes: false };
  const config = value as Json;
  switch (config.type) {
    case 'Sequence': {
      const steps = (config.pretokenizers as unknown[]).map(parsePreTokenizer);
      return {
        split: steps.map((step) => step.split).reduce(chain),
        bytes: steps.some((step) => step.bytes),
      };
    }
    case 'ByteLevel': {
      const split = config.use_regex === false ? keepWhole : splitByMatches(compileOniguruma(GPT2_PATTERN), true);
      return { split: config.add_prefix_space ? chain(prefixSpace, split) : split, bytes: true };
    }
    case 'Split':
      return { split: parseSplit(config), bytes: false };
    case 'Digits':
      return { split: splitByMatches(config.individual_digits ? /\p{N}/gu : /\p{N}+/gu, true), bytes: false };
    default:
      throw unsupported(`pre_tokenizer.type ${JSON.stringify(config.type)}`, 'Sequence, Split, Digits or ByteLevel');
  }
}

function parseSplit(config: Json): Split {
  const { Regex: regex, String: literal } = config.pattern as { Regex?: string; String?: string };
  if (regex === SPLIT_PATTERN && config.behavior === 'Isolated' && !config.invert) return splitWords;
  const pattern =
    regex !== undefined ? compileOniguruma(regex) : new RegExp(literal!.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');
  if (config.behavior === 'Isolated') return splitByMatches(pattern, true);
  if (config.behavior === 'Removed') return config.invert ? splitByMatches(pattern, false) : splitByGaps(pattern);
  throw unsupported(`Split behavior ${JSON.stringify(config.behavior)}`, 'Isolated or Removed');
}

/** Words are the matches and, if `gaps`, also the text between them. */
function splitByMatches(pattern: RegExp, gaps: boolean): Split {
  return (text, visit) => {
    let from = 0;
    for (const match of text.matchAll(pattern)) {
      if (match[0] === '') continue;
      if (gaps && match.index > from) visit(text, from, match.index);
      from = match.index + match[0].length;
      visit(text, match.index, from);
    }
    if (gaps && from < text.length) visit(text, from, text.length);
  };
}

/** Words are the text between the matches. */
function splitByGaps(pattern: RegExp): Split {
  return (text, visit) => {
    let from = 0;
    for (const match of text.matchAll(pattern)) {
      if (match.index > from) visit(text, from, match.index);
      from = match.index + match[0].length;
    }
    if (from < text.length) visit(text, from, text.length);
  };
}

const prefixSpace: Split = (text, visit) => {
  const prefixed = text.startsWith(' ') ? text : ` ${text}`;
  visit(prefixed, 0, prefixed.length);
};

/** One split after another: the second sees each word of the first as a text of its own. */
function chain(first: Split, second: Split): Split {
  if (second === keepWhole) return first;
  if (first === keepWhole) return second;
  return (text, visit) => first(text, (word, start, end) => second(word.slice(start, end), visit));
}

/** @throws Error naming a type that is not supported */
export function parseNormalizer(value: unknown): (text: string) => string {
  if (value === null || value === undefined) return (text) => text;
  const config = value as Json;
  switch (config.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = config.type;
      return (text) => text.normalize(form);
    }
    case 'Sequence': {
      const steps = (config.normalizers as unknown[]).map(parseNormalizer);
      return (text) => steps.reduce((result, step) => step(result), text);
    }
    default:
      throw unsupported(`normalizer.type ${JSON.stringify(config.type)}`, 'NFC, NFD, NFKC, NFKD or a Sequence of them');
  }
}

const unsupported = (what: string, expected: string) =>
  new Error(`tokenizer.json uses ${what}, which Parley does not support (expected ${expected})`);
