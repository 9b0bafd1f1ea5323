import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';
import { parleyHome } from '../home.ts';

const snapshotFlags = z.object({
  out: z
    .string()
    .default('')
    .describe('folder that the snapshot is put into, under the first digits of its hash; empty: PARLEY_HOME/snapshots'),
  import: z
    .array(z.string())
    .default([])
    .describe('a .jsonl file of rankings, pairs, thumbs, demonstrations or labels'),
  server: z.boolean().default(true).describe("leave out what this machine's server has collected"),
});

export function define(command: Command): void {
  addFlags(command, snapshotFlags);
  addJsonFlag(command);
  command.addHelpText(
    'after',
    '\nA snapshot never changes; what somebody took back is missing from the next one. Use it as --preferences, and its\ndemonstrations.jsonl as --data of `parley sft`.',
  );
  command.action(async ({ json, ...flags }) => {
    const { out, import: files, server } = readFlags(snapshotFlags, flags);
    const [{ takeSnapshot }, { collectedLines }] = await Promise.all([
      import('@parley/lm/data'),
      import('@parley/server/feedback'),
    ]);
    const collected = server ? await collectedLines(parleyHome(), process.env.DATABASE_URL) : [];
    const { folder, snapshot } = takeSnapshot(out || join(parleyHome(), 'snapshots'), collected, files);
    const counts = Object.entries(snapshot.lines).map(([kind, count]) => `${count} ${kind}`);
    process.stderr.write(`${counts.join(', ')} in ${folder}\n`);
    if (json) process.stdout.write(`${JSON.stringify({ folder, ...snapshot })}\n`);
  });
}
