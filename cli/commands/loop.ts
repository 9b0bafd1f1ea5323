import { loopRecipeSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, addPresetFlag, readFlags } from '../flags.ts';
import { parleyHome } from '../home.ts';

export function define(command: Command): void {
  addPresetFlag(command, 'tokenizer', 'pretrain', 'sft', 'evaluate');
  addFlags(command, loopRecipeSchema, { omit: ['preset'] });
  addJsonFlag(command);
  command.action(async ({ json, preset, ...flags }) => {
    const recipe = readFlags(loopRecipeSchema, flags, preset && { preset: preset.name });
    const { loop } = await import('@parley/recipes/loop');
    const report = await loop(recipe, { home: parleyHome() });
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
}
