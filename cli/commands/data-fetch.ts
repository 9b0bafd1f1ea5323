import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';
import { parleyHome } from '../home.ts';

const fetchSchema = z.object({
  preset: z.string().default('quick').describe('which data set'),
});

export function define(command: Command): void {
  addFlags(command, fetchSchema);
  addJsonFlag(command);
  command.addHelpText('after', '\nPackages are kept, verified, in PARLEY_HOME/packages (default ~/.parley/packages).');
  command.action(async ({ json, ...flags }) => {
    const { preset } = readFlags(fetchSchema, flags);
    const { fetchPackages } = await import('@parley/lm/data');
    const started = performance.now();
    await fetchPackages(preset, {
      home: parleyHome(),
      onProgress: (line) => void process.stderr.write(`${line}\n`),
    });
    const seconds = (performance.now() - started) / 1000;
    process.stderr.write(`the packages of '${preset}' are in ${parleyHome()}/packages\n`);
    if (json) process.stdout.write(`${JSON.stringify({ preset, seconds })}\n`);
  });
}
