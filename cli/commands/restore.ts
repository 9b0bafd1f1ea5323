import type { Command } from 'commander';
import { parleyHome } from '../home.ts';

export function define(command: Command): void {
  command.argument('<file>', 'a .tar that `parley backup` wrote');
  command.addHelpText(
    'after',
    '\nNeeds an empty PARLEY_HOME and, for a backup of PostgreSQL, an empty database in DATABASE_URL.',
  );
  command.action(async (file: string) => {
    const { restore } = await import('@parley/server/backup');
    await restore(parleyHome(), process.env.DATABASE_URL, file);
    process.stderr.write(`${file} is restored in ${parleyHome()}; start it with: parley serve\n`);
  });
}
