import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDocuments } from './documents.ts';
import { letters } from './fixtures.ts';
import { packShards, TokenShards } from './shards.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-shards-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A data folder with these training documents and one for validation. */
function dataFolder(texts: string[], hash = 'h1'): string {
  const record = (text: string, i: number) => JSON.stringify({ id: String(i), source: 's', language: 'en', text });
  writeFileSync(join(folder, 'documents.train.jsonl'), `${texts.map(record).join('\n')}\n`);
  writeFileSync(join(folder, 'documents.validation.jsonl'), `${record('held out', 99)}\n`);
  const zero = { train: 0, validation: 0 };
  const card = {
    format: 'parley-data/1',
    name: 'test',
    hash,
    sources: [],
    languageShares: { en: 1, zh: 0, code: 0 },
    documents: zero,
    bytes: zero,
    demonstrations: { ...zero, tasks: {} },
  };
  writeFileSync(join(folder, 'card.json'), JSON.stringify(card));
  return folder;
}

const small = { ...letters, vocabulary: 60_000 };
const text = (ids: ArrayLike<number>) =>
  Array.from(ids, (id) => (id === 0 ? '|' : String.fromCharCode(id - 10))).join('');

describe('packShards', () => {
  it('writes every document once, each followed by the end token, and counts bytes of text', () => {
    const texts = ['alpha', 'beta', '你好', 'delta'];
    const index = packShards(dataFolder(texts), small, join(folder, 'shards'));
    const shards = TokenShards.open(join(folder, 'shards'), 'train');
    expect(text(shards.readAll()).split('|').filter(Boolean).sort()).toEqual([...texts].sort());
    expect(index.tokens).toEqual({ train: 5 + 4 + 2 + 5 + 4, validation: 9 });
    expect(index.bytes).toEqual({ train: 5 + 4 + 6 + 5, validation: 8 });
    expect(index.bytesPerToken).toBe(2);
    shards.close();
  });

  it('gives the same bytes for the same documents in another order', () => {
    const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`);
    packShards(dataFolder(texts), small, join(folder, 'a'));
    const lines = readFileSync(join(folder, 'documents.train.jsonl'), 'utf8').trim().split('\n');
    writeFileSync(join(folder, 'documents.train.jsonl'), lines.reverse().join('\n'));
    packShards(folder, small, join(folder, 'b'));
    expect(readFileSync(join(folder, 'b/train.tokens'))).toEqual(readFileSync(join(folder, 'a/train.tokens')));
  });

  it('takes four bytes for a large vocabulary', () => {
    const index = packShards(dataFolder(['wide']), letters, join(folder, 'shards'));
    expect(index.bytesPerToken).toBe(4);
    const shards = TokenShards.open(join(folder, 'shards'), 'train');
    expect(text(shards.readAll())).toBe('wide|');
    shards.close();
  });

  it('keeps shards of the same data and tokenizer, packs anew for others', () => {
    const out = join(folder, 'shards');
    let encoded = 0;
    const counting = {
      ...small,
      encode(value: string) {
        encoded++;
        return small.encode(value);
      },
    };
    packShards(dataFolder(['one']), counting, out);
    packShards(folder, counting, out);
    expect(encoded).toBe(2);
    packShards(dataFolder(['two'], 'h2'), counting, out);
    expect(encoded).toBe(4);
  });

  it('splits a plain text file after nine tenths of its characters', () => {
    const file = join(folder, 'input.txt');
    writeFileSync(file, '0123456789'.repeat(10));
    expect([...readDocuments(file, 'train')][0]!.text).toHaveLength(90);
    const index = packShards(file, { ...small, special: {} }, join(folder, 'shards'));
    expect(index.tokens).toEqual({ train: 90, validation: 10 });
  });
});

describe('TokenShards', () => {
  it('reads any window and refuses one outside', () => {
    packShards(dataFolder(['abcdef']), small, join(folder, 'shards'));
    const shards = TokenShards.open(join(folder, 'shards'), 'train');
    expect(text(shards.read(2, 3))).toBe('cde');
    expect(() => shards.read(5, 3)).toThrow(RangeError);
    shards.close();
  });

  it('names a truncated shard and a foreign folder', () => {
    packShards(dataFolder(['abcdef']), small, join(folder, 'shards'));
    truncateSync(join(folder, 'shards/train.tokens'), 4);
    expect(() => TokenShards.open(join(folder, 'shards'), 'train')).toThrow(
      /train\.tokens has 4 bytes.*14.*pack again/,
    );
    writeFileSync(join(folder, 'shards/index.json'), '{');
    expect(() => TokenShards.open(join(folder, 'shards'), 'train')).toThrow(/index\.json.*pack again/);
  });
});
