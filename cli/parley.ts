/** The `parley` command: everything it can do is listed in catalogue.ts, one file per command in commands/. */
import { run } from './program.ts';

// A reader that leaves early (`parley … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2));
