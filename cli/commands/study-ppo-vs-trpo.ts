import { studyRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, studyRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(studyRecipeSchema, flags);
    const { studyPpoVsTrpo } = await import('@parley/recipes/studies/ppo-vs-trpo');
    const report = await studyPpoVsTrpo(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
