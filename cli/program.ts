/** Builds the program from the catalogue and runs one command line. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { catalogue, type Entry, groups } from './catalogue.ts';

/** Runs `parley ARGUMENTS`; resolves to the exit code: 0 done, 1 failed, 2 typed wrongly, 130 stopped by Ctrl-C. */
export async function run(argv: string[]): Promise<number> {
  try {
    await (await createProgram(argv)).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { describeError, exitCodeOf } = await import('./errors.ts');
    process.stderr.write(`parley: ${describeError(error)}\n`);
    if (process.env.PARLEY_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    return exitCodeOf(error);
  }
}

/** The whole command tree by name; only the command that `argv` asks for is loaded with its flags. */
async function createProgram(argv: string[]): Promise<Command> {
  const program = newCommand('parley')
    .description('Your own chat assistant: from raw text to a model to a page to talk to it, on this machine.')
    .version(version(), '--version', 'print the version')
    .addHelpText('after', '\nEvery command takes --help. Start with: parley serve');
  for (const entry of catalogue) {
    const [first = '', second] = entry.words.split(' ');
    const parent = second ? (find(program, first) ?? addTo(program, first, groups[first] ?? '')) : program;
    const command = addTo(parent, second ?? first, entry.summary);
    if (isAskedFor(entry, argv)) (await entry.load()).define(command);
  }
  return program;
}

function isAskedFor(entry: Entry, argv: string[]): boolean {
  const typed = argv.filter((word) => !word.startsWith('-'));
  const asked = typed[0] === 'help' ? typed.slice(1) : typed;
  return entry.words.split(' ').every((word, index) => asked[index] === word);
}

/** A failed parse throws, so that `run` alone decides the exit code. */
function newCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .showSuggestionAfterError(true)
    .helpOption('-h, --help', 'show this help')
    .configureOutput({
      outputError: (text, write) =>
        write(
          `parley: ${text
            .replace(/^error: /, '')
            .trim()
            .replace(/\s*\n\s*/g, ' ')}\n`,
        ),
    });
}

function addTo(parent: Command, name: string, summary: string): Command {
  const command = newCommand(name).description(summary);
  parent.addCommand(command);
  return command;
}

function find(parent: Command, name: string): Command | undefined {
  return parent.commands.find((command) => command.name() === name);
}

function version(): string {
  return JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')).version;
}
