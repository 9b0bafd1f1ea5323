/** The `parley` command: everything it can do is listed in catalogue.ts, one file per command in commands/. */
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2));
