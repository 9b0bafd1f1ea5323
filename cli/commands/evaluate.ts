import { evaluateRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addFlags(command, evaluateRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const recipe = readFlags(evaluateRecipeSchema, flags);
    const { evaluate } = await import('@parley/recipes/evaluate');
    const report = await evaluate(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
