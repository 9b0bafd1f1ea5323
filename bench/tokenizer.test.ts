import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { benchTokenizer, readTexts } from './tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'bench-tokenizer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'text.txt');
const text = 'The harbour wakes before the town does. 清晨的港口比镇子醒得早。\n'.repeat(30_000);
writeFileSync(path, text);

test('documents are cut at line ends and join to the file', () => {
  const { texts, megabytes } = readTexts(path);
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.every((document) => document.endsWith('\n'))).toBe(true);
  expect(texts.join('')).toBe(text);
  expect(megabytes).toBe(Buffer.byteLength(text) / 1e6);
  const empty = join(folder, 'empty.txt');
  writeFileSync(empty, '');
  expect(() => readTexts(empty)).toThrow(`${empty} is empty`);
});

test('reports what it learned and how fast', () => {
  const result = benchTokenizer(path, 300);
  expect(result.train).toMatchObject({ megabytes: Buffer.byteLength(text) / 1e6, vocabulary: 300 });
  expect(result.encode.tokens).toBeLessThan(Buffer.byteLength(text));
  for (const speed of [result.train.seconds, result.encode.megabytesPerSecond, result.encode.oneThread]) {
    expect(speed).toBeGreaterThan(0);
  }
});
