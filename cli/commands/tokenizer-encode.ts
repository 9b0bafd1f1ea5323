import type { Command } from 'commander';
import { z } from 'zod';
import { answerLines } from '../json-lines.ts';

export function define(command: Command): void {
  command.requiredOption('--model <folder>', 'folder with tokenizer.json');
  command.option('--json', 'accepted for symmetry: input and output are always JSON lines');
  command.action(async ({ model }) => {
    const { Tokenizer } = await import('@parley/lm/tokenizer');
    const tokenizer = Tokenizer.load(model);
    await answerLines(z.string('expected a JSON string'), (text) => Array.from(tokenizer.encode(text)));
  });
}
