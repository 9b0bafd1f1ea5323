import type { Command } from 'commander';
import { parleyHome } from '../home.ts';

export function define(command: Command): void {
  command.argument('<file>', 'the .tar to write');
  command.addHelpText(
    'after',
    '\nHolds the database as of one moment and what lies in PARLEY_HOME: models and reports of runs, snapshots, data.\nFetched packages and checkpoints of unfinished training are left out. The server may go on meanwhile.',
  );
  command.action(async (file: string) => {
    const { backUp } = await import('@parley/server/backup');
    await backUp(parleyHome(), process.env.DATABASE_URL, file);
    process.stderr.write(`everything in ${parleyHome()} is in ${file}\n`);
  });
}
