import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';
import { parleyHome } from '../home.ts';

const buildSchema = z.object({
  preset: z.string().default('quick').describe('which data set'),
  out: z.string().describe('data folder to write; replaced as a whole when everything is ready'),
  local: z.string().default('').describe('folder of corpora from public repositories, for presets that use one'),
});

export function define(command: Command): void {
  addFlags(command, buildSchema);
  addJsonFlag(command);
  command.addHelpText('after', '\nPackages that are not there yet are fetched first.');
  command.action(async ({ json, ...flags }) => {
    const { preset, out, local } = readFlags(buildSchema, flags);
    const { buildData, fetchPackages } = await import('@parley/lm/data');
    const onProgress = (line: string) => void process.stderr.write(`${line}\n`);
    const home = parleyHome();
    await fetchPackages(preset, { home, onProgress });
    const card = await buildData({ preset, home, out, local: local || undefined, onProgress });
    const { documents, demonstrations } = card;
    process.stderr.write(
      `${documents.train} documents and ${demonstrations.train} conversations to train on, in ${out} (read card.md)\n`,
    );
    if (json) process.stdout.write(`${JSON.stringify(card)}\n`);
  });
}
