import { dpoRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, dpoRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(dpoRecipeSchema, flags);
    const { dpo } = await import('@parley/recipes/dpo');
    const report = await dpo(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
