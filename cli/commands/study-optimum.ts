import { studyRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, studyRecipeSchema, { omit: ['seeds'] });
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(studyRecipeSchema, flags);
    const { studyOptimum } = await import('@parley/recipes/studies/optimum');
    const report = await studyOptimum(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
