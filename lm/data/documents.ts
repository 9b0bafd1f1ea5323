/**
 * A data folder on disk:
 *
 *     documents.train.jsonl        documents.validation.jsonl        one DocumentRecord a line
 *     demonstrations.train.jsonl   demonstrations.validation.jsonl   one Demonstration a line
 *     card.json  card.md
 *
 * Lines are read in windows, so a folder larger than memory streams through. A plain text file stands in for a
 * folder wherever one is read: its first 90 % of characters train, the rest validate, as in nanoGPT.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type DataCard, type Demonstration, dataCardSchema, demonstrationSchema } from '@parley/contracts';
import { writeFully } from '../checkpoint/atomic.ts';
import type { Language } from './clean.ts';

export type Split = 'train' | 'validation';

export interface DocumentRecord {
  /** First 16 hex digits of the SHA-256 of the text. */
  id: string;
  /** Name of the source in the data card. */
  source: string;
  language: Language;
  text: string;
}

/** Documents of a data folder or of a text file, in file order. Throws if the path is neither. */
export function* readDocuments(path: string, split: Split): Generator<DocumentRecord> {
  if (isTextFile(path)) {
    const text = readTextSplit(path, split);
    if (text !== '') yield { id: split, source: path, language: 'en', text };
    return;
  }
  for (const line of readLines(dataFile(path, `documents.${split}.jsonl`))) yield JSON.parse(line) as DocumentRecord;
}

/** Training texts alone: what a tokenizer is trained on. */
export function* trainingTexts(path: string): Generator<string> {
  for (const document of readDocuments(path, 'train')) yield document.text;
}

/** Demonstrations of a data folder, or of a `.jsonl` file of conversations (which has no validation part). */
export function readDemonstrations(path: string, split: Split): Demonstration[] {
  const single = path.endsWith('.jsonl');
  if (single && split === 'validation') return [];
  const file = single ? path : dataFile(path, `demonstrations.${split}.jsonl`);
  const demonstrations: Demonstration[] = [];
  let number = 0;
  for (const line of readLines(file)) {
    number++;
    try {
      demonstrations.push(demonstrationSchema.parse(JSON.parse(line)));
    } catch (error) {
      throw new Error(`${file}:${number} is not a conversation: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return demonstrations;
}

/** The data card of a folder; throws if it is missing or of another format. */
export function readDataCard(folder: string): DataCard {
  const file = dataFile(folder, 'card.json');
  try {
    return dataCardSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file} is not a data card: ${(error as Error).message.split('\n')[0]}; build the data again`);
  }
}

export function isTextFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function readTextSplit(path: string, split: Split): string {
  const text = readFileSync(path, 'utf8');
  const cut = Math.floor(text.length * 0.9);
  return split === 'train' ? text.slice(0, cut) : text.slice(cut);
}

function dataFile(folder: string, name: string): string {
  const path = join(folder, name);
  if (!existsSync(path)) throw new Error(`${path} does not exist; \`parley data build\` writes it`);
  return path;
}

/** Non-empty lines of a UTF-8 file through a window of a mebibyte. */
function* readLines(path: string): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const window = Buffer.alloc(1 << 20);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const count = readSync(file, window, 0, window.length, null);
      const bytes = Buffer.concat([rest, window.subarray(0, count)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
        if (end > start) yield bytes.toString('utf8', start, end);
        start = end + 1;
      }
      rest = bytes.subarray(start);
      if (count === 0) {
        if (rest.length > 0) yield rest.toString('utf8');
        return;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** Appends JSON lines through a buffer. */
export class LineWriter {
  readonly #file: number;
  #pending: string[] = [];
  #size = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  write(value: unknown): void {
    const line = `${JSON.stringify(value)}\n`;
    this.#pending.push(line);
    this.#size += line.length;
    if (this.#size > 1 << 20) this.#flush();
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    writeFully(this.#file, Buffer.from(this.#pending.join('')));
    this.#pending = [];
    this.#size = 0;
  }
}
