import { sftRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, addPresetFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addPresetFlag(command, 'sft');
  addFlags(command, sftRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, preset, ...flags }) => {
    const recipe = readFlags(sftRecipeSchema, flags, preset?.sft);
    const { sft } = await import('@parley/recipes/sft');
    const report = await sft(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
