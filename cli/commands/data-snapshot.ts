import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';
import { parleyHome } from '../home.ts';

const snapshotFlags = z.object({
  out: z.string().describe('folder that the snapshot is put into, under the first digits of its hash'),
  import: z.array(z.string()).default([]).describe('a .jsonl file of rankings, pairs or thumbs to include'),
  server: z.boolean().default(true).describe("leave out what this machine's server has collected"),
});

export function define(command: Command): void {
  addFlags(command, snapshotFlags);
  addJsonFlag(command);
  command.addHelpText(
    'after',
    '\nA snapshot never changes; a thumb that somebody took back is missing from the next one. Use it as --preferences.',
  );
  command.action(async ({ json, ...flags }) => {
    const { out, import: files, server } = readFlags(snapshotFlags, flags);
    const [{ takeSnapshot }, { collectedThumbs }] = await Promise.all([
      import('@parley/lm/data'),
      import('@parley/server/feedback'),
    ]);
    const { folder, snapshot } = takeSnapshot(out, server ? collectedThumbs(parleyHome()) : [], files);
    const { rankings, pairs, thumbs } = snapshot.lines;
    process.stderr.write(`${rankings} rankings, ${pairs} pairs and ${thumbs} thumbs in ${folder}\n`);
    if (json) process.stdout.write(`${JSON.stringify({ folder, ...snapshot })}\n`);
  });
}
