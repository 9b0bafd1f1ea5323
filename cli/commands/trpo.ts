import { trpoRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, trpoRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(trpoRecipeSchema, flags);
    const { trpo } = await import('@parley/recipes/trpo');
    const report = await trpo(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
