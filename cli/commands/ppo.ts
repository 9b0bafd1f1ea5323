import { ppoRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, ppoRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(ppoRecipeSchema, flags);
    const { ppo } = await import('@parley/recipes/ppo');
    const report = await ppo(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
