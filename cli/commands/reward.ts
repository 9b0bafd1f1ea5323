import { rewardRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, rewardRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(rewardRecipeSchema, flags);
    const { reward } = await import('@parley/recipes/reward');
    const report = await reward(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
