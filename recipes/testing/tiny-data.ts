/** A data folder of a few kilobytes with something to learn: for tests of the recipes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataCard, Demonstration } from '@parley/contracts';
import { Random } from '@parley/engine';

const animals = ['cat', 'dog', 'horse', 'mouse', 'fish'];
const colours = ['red', 'green', 'blue', '黑色', '白色'];

/** Writes `folder`; the same bytes every time. */
export function writeTinyData(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const random = new Random(3);
  const of = (list: string[]) => list[random.integer(list.length)]!;
  const document = (index: number) => ({
    id: index.toString(16).padStart(16, '0'),
    source: 'invented',
    language: index % 3 === 0 ? 'zh' : 'en',
    text: Array.from({ length: 12 }, () =>
      index % 3 === 0 ? `这只${of(animals)}是${of(colours)}的。` : `The ${of(animals)} is ${of(colours)}.`,
    ).join(' '),
  });
  const conversation = (index: number): Demonstration => {
    const [a, b] = [random.integer(5), random.integer(5)];
    return {
      id: String(index),
      messages: [
        { role: 'user', content: `${a} + ${b}?` },
        { role: 'assistant', content: String(a + b) },
      ],
      language: 'en',
      task: 'arithmetic',
      source: 'invented',
      answers: [String(a + b)],
    };
  };
  const write = (name: string, items: unknown[]) =>
    writeFileSync(join(folder, name), items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  const documents = Array.from({ length: 120 }, (_, index) => document(index));
  const conversations = Array.from({ length: 400 }, (_, index) => conversation(index));
  write('documents.train.jsonl', documents.slice(10));
  write('documents.validation.jsonl', documents.slice(0, 10));
  write('demonstrations.train.jsonl', conversations.slice(20));
  write('demonstrations.validation.jsonl', conversations.slice(0, 20));
  const card: DataCard = {
    format: 'parley-data/1',
    name: 'tiny',
    hash: 'a'.repeat(64),
    sources: [],
    languageShares: { en: 0.6, zh: 0.4, code: 0 },
    documents: { train: 110, validation: 10 },
    bytes: { train: 1, validation: 1 },
    demonstrations: { train: 380, validation: 20, tasks: { arithmetic: 380 } },
  };
  writeFileSync(join(folder, 'card.json'), JSON.stringify(card));
  return folder;
}
