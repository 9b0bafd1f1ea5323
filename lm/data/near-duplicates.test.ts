import { expect, it } from 'vitest';
import { minHash, NearDuplicateIndex, similarity } from './near-duplicates.ts';
import { Choice } from './random.ts';

const words = 'river stone light morning garden window letter paper music water bread silver winter summer'.split(' ');

function prose(seed: number, count: number): string[] {
  const random = new Choice(seed);
  return Array.from({ length: count }, () => `${random.of(words)}${random.integer(0, 300)}`);
}

it('estimates the Jaccard similarity of the shingles', () => {
  // Of 400 words the last 100 differ: 296 + 4 shared-or-cut shingles of 396 each side, J = 296 / 496.
  const a = prose(1, 400);
  const b = [...a.slice(0, 300), ...prose(2, 100)];
  const estimate = similarity(minHash(a.join(' ')), minHash(b.join(' ')));
  expect(Math.abs(estimate - 296 / 496)).toBeLessThan(0.18);
  expect(similarity(minHash('same text here again and again'), minHash('Same text, here again and again!'))).toBe(1);
});

it('finds a text with a few words changed, in English and in Chinese', () => {
  const english = prose(3, 300);
  const changed = [...english];
  changed[150] = 'different';
  const chinese =
    '床前明月光疑是地上霜举头望明月低头思故乡白日依山尽黄河入海流欲穷千里目更上一层楼春眠不觉晓处处闻啼鸟夜来风雨声花落知多少';
  const index = new NearDuplicateIndex();
  expect(index.seen(english.join(' '))).toBe(false);
  expect(index.seen(changed.join(' '))).toBe(true);
  expect(index.seen(chinese)).toBe(false);
  expect(index.seen(`${chinese}。`)).toBe(true);
});

it('keeps different texts apart', () => {
  const index = new NearDuplicateIndex();
  for (let seed = 0; seed < 300; seed++) expect(index.seen(prose(seed + 10, 80).join(' '))).toBe(false);
});

it('keeps short texts apart that differ in a word', () => {
  const index = new NearDuplicateIndex();
  expect(index.seen('I like tea')).toBe(false);
  expect(index.seen('I like coffee')).toBe(false);
  expect(index.seen('I like tea.')).toBe(true);
});
