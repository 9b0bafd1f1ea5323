/**
 * Token shards: the documents of a data set as one long run of token ids per part, on disk.
 *
 *     index.json           ShardIndex: counts, the tokenizer's and the data's hash, UTF-8 bytes behind the tokens
 *     train.tokens         little-endian uint16 (uint32 from a vocabulary of 65,537 on)
 *     validation.tokens
 *
 * Documents come in a random but fixed order, each followed by `<|endoftext|>` where the tokenizer has one.
 *
 * Node has no mmap. `TokenShards.read` asks the operating system for just the bytes of a window, which come from its page
 * cache after the first time: memory stays constant however large the shards are, as with a mapping.
 */

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ShardIndex, shardIndexSchema } from '@parley/contracts';
import { writeFolderAtomic, writeFully } from '../checkpoint/atomic.ts';
import { type DocumentRecord, isTextFile, readDataCard, readDocuments, type Split } from './documents.ts';
import { hash32 } from './random.ts';

/** What packing needs of a tokenizer. */
export interface Encoder {
  encode(text: string): number[];
  readonly vocabulary: number;
  /** SHA-256 of tokenizer.json in hex. */
  readonly hash: string;
  readonly special: Readonly<Record<string, number>>;
}

/**
 * Encodes the documents of a data folder (or of a text file) into shards in the folder `out` and returns their index.
 * Shards that are there already from the same data and tokenizer are kept. Written beside and renamed, so `out` is
 * complete or absent. Throws if the training part is empty or a tokenizer gives an id outside its vocabulary.
 */
export function packShards(
  data: string,
  tokenizer: Encoder,
  out: string,
  { onProgress = () => {} }: { onProgress?: (message: string) => void } = {},
): ShardIndex {
  const dataHash = isTextFile(data)
    ? createHash('sha256').update(readFileSync(data)).digest('hex')
    : readDataCard(data).hash;
  const present = existsSync(join(out, 'index.json')) ? readIndex(out) : undefined;
  if (present?.dataHash === dataHash && present.tokenizerHash === tokenizer.hash) return present;

  const index: ShardIndex = {
    format: 'parley-shards/1',
    tokenizerHash: tokenizer.hash,
    dataHash,
    vocabulary: tokenizer.vocabulary,
    bytesPerToken: tokenizer.vocabulary <= 2 ** 16 ? 2 : 4,
    tokens: { train: 0, validation: 0 },
    bytes: { train: 0, validation: 0 },
  };
  writeFolderAtomic(out, (folder) => {
    for (const split of ['train', 'validation'] as const) {
      const { tokens, bytes } = writePart(data, split, tokenizer, join(folder, `${split}.tokens`), index.bytesPerToken);
      index.tokens[split] = tokens;
      index.bytes[split] = bytes;
      onProgress(`${split}: ${tokens} tokens, ${(bytes / Math.max(1, tokens)).toFixed(2)} bytes each`);
    }
    if (index.tokens.train === 0) throw new Error(`${data} has no training text; build it again or give another file`);
    writeFileSync(join(folder, 'index.json'), `${JSON.stringify(index, null, 2)}\n`);
  });
  return index;
}

function writePart(data: string, split: Split, tokenizer: Encoder, path: string, bytesPerToken: 2 | 4) {
  const end = tokenizer.special['<|endoftext|>'];
  const file = openSync(path, 'w');
  let tokens = 0;
  let bytes = 0;
  try {
    for (const { text } of shuffledDocuments(data, split)) {
      const ids = tokenizer.encode(text);
      if (end !== undefined) ids.push(end);
      const outside = ids.find((id) => id >= tokenizer.vocabulary);
      if (outside !== undefined) {
        throw new Error(
          `the tokenizer gave the id ${outside}, its vocabulary is ${tokenizer.vocabulary}; train it again`,
        );
      }
      const array = bytesPerToken === 2 ? Uint16Array.from(ids) : Uint32Array.from(ids);
      writeFully(file, new Uint8Array(array.buffer));
      tokens += ids.length;
      bytes += Buffer.byteLength(text);
    }
  } finally {
    closeSync(file);
  }
  return { tokens, bytes };
}

/** Ordered by a hash of the id: random, and the same whatever order the data was built in. */
function shuffledDocuments(data: string, split: Split): DocumentRecord[] {
  const documents = [...readDocuments(data, split)];
  const key = new Map(documents.map((document) => [document, hash32(`order ${document.id}`)]));
  return documents.sort((a, b) => key.get(a)! - key.get(b)! || (a.id < b.id ? -1 : 1));
}

function readIndex(folder: string): ShardIndex {
  const path = join(folder, 'index.json');
  try {
    return shardIndexSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new Error(
      `${path} is not an index of token shards: ${(error as Error).message.split('\n')[0]}; delete the folder and pack again`,
    );
  }
}

/** One part of packed shards, read through in windows. Close it when done. */
export class TokenShards {
  readonly index: ShardIndex;
  /** Tokens in this part. */
  readonly length: number;
  readonly #file: number;

  private constructor(index: ShardIndex, length: number, file: number) {
    this.index = index;
    this.length = length;
    this.#file = file;
  }

  /** Throws if the folder holds no shards or the file's size contradicts the index. */
  static open(folder: string, split: Split): TokenShards {
    const index = readIndex(folder);
    const path = join(folder, `${split}.tokens`);
    const expected = index.tokens[split] * index.bytesPerToken;
    const found = existsSync(path) ? statSync(path).size : 0;
    if (found !== expected) {
      throw new Error(`${path} has ${found} bytes where its index says ${expected}; delete ${folder} and pack again`);
    }
    return new TokenShards(index, index.tokens[split], openSync(path, 'r'));
  }

  /** Ids `offset` to `offset + count - 1`. Throws RangeError outside the part. */
  read(offset: number, count: number): Uint16Array | Uint32Array {
    if (offset < 0 || count < 0 || offset + count > this.length) {
      throw new RangeError(`tokens ${offset} to ${offset + count} were asked of a part of ${this.length}`);
    }
    const tokens = this.index.bytesPerToken === 2 ? new Uint16Array(count) : new Uint32Array(count);
    const bytes = new Uint8Array(tokens.buffer);
    const start = offset * this.index.bytesPerToken;
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.#file, bytes, done, bytes.length - done, start + done);
      if (got === 0) throw new Error(`the shard ended ${bytes.length - done} bytes early; it was changed while in use`);
      done += got;
    }
    return tokens;
  }

  /** The whole part in memory. */
  readAll(): Uint16Array | Uint32Array {
    return this.read(0, this.length);
  }

  close(): void {
    closeSync(this.#file);
  }
}
