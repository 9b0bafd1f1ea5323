import { pretrainRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, addPresetFlag, readFlags } from '../flags.ts';

export function define(command: Command): void {
  addPresetFlag(command, 'pretrain');
  addFlags(command, pretrainRecipeSchema);
  addJsonFlag(command);
  command.action(async ({ json, preset, ...flags }) => {
    const recipe = readFlags(pretrainRecipeSchema, flags, preset?.pretrain);
    const { pretrain } = await import('@parley/recipes/pretrain');
    const report = await pretrain(recipe);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
