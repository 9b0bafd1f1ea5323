import { tokenizerRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, tokenizerRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(tokenizerRecipeSchema, flags);
    const { tokenizer } = await import('@parley/recipes/tokenizer');
    const report = await tokenizer(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
