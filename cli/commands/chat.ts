import { samplingSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, readFlags } from '../flags.ts';

export function define(command: Command): void {
  command.argument('<folder>', 'model folder');
  command.option('--system <text>', 'instructions before the conversation');
  addFlags(command, samplingSchema);
  command.addHelpText('after', '\nWhile chatting: /continue, /new, /exit; Ctrl-C stops an answer.');
  command.action(async (folder: string, { system, ...flags }) => {
    const sampling = readFlags(samplingSchema, flags);
    const { loadModel } = await import('@parley/lm/checkpoint');
    const { TerminalChat } = await import('../terminal-chat.ts');
    await new TerminalChat(loadModel(folder), { sampling, system }).run();
  });
}
