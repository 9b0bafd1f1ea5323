/** What a recipe's `data` setting points at: a text file, or a folder written by `parley data build`. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { hashFile } from '@parley/lm/checkpoint';
import { readDataCard, trainingTexts } from '@parley/lm/data';

/** For the lineage, and to notice that the data changed under a run. */
export interface DataIdentity {
  name: string;
  hash: string;
}

/** @throws if there is nothing at `path`, or a folder without a data card */
export function identifyData(path: string): DataIdentity {
  if (!existsSync(path)) {
    throw new Error(
      `there is no file or folder ${path}; --data takes a text file or a folder of \`parley data build\``,
    );
  }
  if (statSync(path).isFile()) return { name: basename(path), hash: hashFile(path) };
  const { name, hash } = readDataCard(path);
  return { name, hash };
}

/**
 * The text to train a tokenizer on: a folder's training documents, or the whole of a text file in pieces of about
 * a megabyte, cut after a line feed that a word follows, where no token reaches across.
 */
export function* trainingPieces(path: string): Generator<string> {
  if (statSync(path).isFile()) yield* filePieces(path);
  else yield* trainingTexts(path);
}

function* filePieces(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const window = Buffer.alloc(1 << 20);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for (let count = -1; count !== 0; ) {
      count = readSync(file, window, 0, window.length, null);
      const text = rest + decoder.write(window.subarray(0, count));
      const cut = lastWordAfterLineFeed(text);
      if (cut > 0) yield text.slice(0, cut);
      rest = text.slice(cut);
    }
    rest += decoder.end();
    if (rest !== '') yield rest;
  } finally {
    closeSync(file);
  }
}

function lastWordAfterLineFeed(text: string): number {
  for (let at = text.lastIndexOf('\n', text.length - 2); at !== -1; at = text.lastIndexOf('\n', at - 1)) {
    if (/\p{L}|\p{N}/u.test(text.charAt(at + 1))) return at + 1;
    if (at === 0) break;
  }
  return 0;
}
