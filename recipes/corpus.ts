/** Text as tokens, ready to train on: from a text file or from a data folder. */
import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { characterTokenizer, Tokenizer } from '@parley/lm/tokenizer';

export interface Corpus {
  tokenizer: Tokenizer;
  train: ArrayLike<number>;
  validation: ArrayLike<number>;
  /** UTF-8 bytes of the text behind the tokens. */
  bytes: { train: number; validation: number };
}

/**
 * @param path a text file (the first 90 % of its characters train, the rest validate) or a data folder
 * @param tokenizer a folder with tokenizer.json, or 'characters' for one token per character of a text file
 */
export function openCorpus(path: string, tokenizer: string): Corpus {
  if (statSync(path).isFile()) return openText(path, tokenizer);
  throw new Error('data folders come next');
}

function openText(path: string, tokenizerFolder: string): Corpus {
  const bytes = readFileSync(path);
  const text = bytes.toString('utf8');
  if (!isUtf8(bytes)) throw new Error(`${path} is not UTF-8 text; convert it first, e.g. with iconv -t utf-8`);
  if (!tokenizerFolder) {
    throw new Error(`${path} is a text file and brings no tokenizer; give --tokenizer a folder, or 'characters'`);
  }
  const tokenizer = tokenizerFolder === 'characters' ? characterTokenizer(text) : Tokenizer.load(tokenizerFolder);
  const cut = Math.floor(text.length * 0.9);
  const parts = { train: text.slice(0, cut), validation: text.slice(cut) };
  return {
    tokenizer,
    train: Int32Array.from(tokenizer.encode(parts.train)),
    validation: Int32Array.from(tokenizer.encode(parts.validation)),
    bytes: { train: Buffer.byteLength(parts.train), validation: Buffer.byteLength(parts.validation) },
  };
}
