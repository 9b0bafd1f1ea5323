import type { Command } from 'commander';
import { z } from 'zod';
import { answerLines } from '../json-lines.ts';

export function define(command: Command): void {
  command.requiredOption('--model <folder>', 'folder with tokenizer.json');
  command.option('--special', 'keep special tokens such as <|im_end|> in the text');
  command.option('--json', 'accepted for symmetry: input and output are always JSON lines');
  command.action(async ({ model, special }) => {
    const { Tokenizer } = await import('@parley/lm/tokenizer');
    const tokenizer = Tokenizer.load(model);
    const ids = z.array(z.int().min(0), 'expected a JSON array of token ids');
    await answerLines(ids, (line) => tokenizer.decode(line, { special }));
  });
}
