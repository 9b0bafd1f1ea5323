import { grpoRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, grpoRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(grpoRecipeSchema, flags);
    const { grpo } = await import('@parley/recipes/grpo');
    const report = await grpo(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
