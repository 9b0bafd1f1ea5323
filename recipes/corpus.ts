/** Text as tokens, ready to train on: from a text file or from a data folder. */
import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packShards, TokenShards } from '@parley/lm/data';
import { characterTokenizer, Tokenizer } from '@parley/lm/tokenizer';

type Split = 'train' | 'validation';

export interface Corpus {
  tokenizer: Tokenizer;
  train: ArrayLike<number>;
  validation: ArrayLike<number>;
  /** UTF-8 bytes of the text behind the tokens. */
  bytes: { train: number; validation: number };
}

/**
 * @param path a text file (the first 90 % of its characters train, the rest validate) or a data folder
 * @param tokenizer a folder with tokenizer.json; 'characters' for one token per character of a text file; '' for
 *   the tokenizer in the data folder
 * @param shards folder for the tokens, packed on first use
 */
export function openCorpus(path: string, tokenizer: string, shards: string): Corpus {
  const chosen = chooseTokenizer(path, tokenizer);
  const { bytes } = packShards(path, chosen, shards);
  const read = (split: Split) => {
    const part = TokenShards.open(shards, split);
    try {
      return part.readAll();
    } finally {
      part.close();
    }
  };
  return { tokenizer: chosen, train: read('train'), validation: read('validation'), bytes };
}

function chooseTokenizer(path: string, tokenizer: string): Tokenizer {
  if (!statSync(path).isFile()) {
    if (tokenizer !== 'characters') return Tokenizer.load(tokenizer || join(path, 'tokenizer'));
    throw new Error(`one token per character is for text files; for ${path} train a tokenizer and give its folder`);
  }
  const bytes = readFileSync(path);
  if (!isUtf8(bytes)) throw new Error(`${path} is not UTF-8 text; convert it first, e.g. with iconv -t utf-8`);
  if (tokenizer === 'characters') return characterTokenizer(bytes.toString('utf8'));
  if (tokenizer) return Tokenizer.load(tokenizer);
  throw new Error(`${path} is a text file and brings no tokenizer; give --tokenizer a folder, or 'characters'`);
}
