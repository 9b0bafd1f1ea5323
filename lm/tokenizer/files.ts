/** A tokenizer on disk: Hugging Face's files beside each other in a model folder. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../checkpoint/atomic.ts';

const OPTIONAL_FILES = ['tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'] as const;

/** The files' text, kept as it was read, so that a foreign tokenizer survives a load and a save. */
export type TokenizerFiles = { 'tokenizer.json': string } & {
  [file in (typeof OPTIONAL_FILES)[number]]?: string;
};

/** @throws Error naming the file that is missing or unreadable */
export function readTokenizerFiles(folder: string): TokenizerFiles {
  const path = join(folder, 'tokenizer.json');
  if (!existsSync(path)) {
    throw new Error(
      `${path} does not exist: expected a folder with a Hugging Face tokenizer.json; \`parley tokenizer train\` writes one`,
    );
  }
  const files: TokenizerFiles = { 'tokenizer.json': readFileSync(path, 'utf8') };
  for (const name of OPTIONAL_FILES) {
    if (existsSync(join(folder, name))) files[name] = readFileSync(join(folder, name), 'utf8');
  }
  return files;
}

/** Writes each file atomically. @throws DiskFullError when there is no room */
export function writeTokenizerFiles(folder: string, files: TokenizerFiles): void {
  for (const [name, text] of Object.entries(files)) writeFileAtomic(join(folder, name), text);
}
