import { samplingSchema } from '@parley/contracts';
import type { Command } from 'commander';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';
import { formatsSchema } from '../formats.ts';

export function define(command: Command): void {
  command.requiredOption('--model <folder>', 'model folder');
  command.requiredOption('--prompt <text>', 'what to answer, or with --raw what to go on from');
  command.option('--system <text>', 'instructions before the conversation');
  command.option('--raw', 'continue the text as it is instead of answering a chat turn');
  addFlags(command, samplingSchema);
  addFlags(command, formatsSchema);
  addJsonFlag(command);
  command.action(async ({ model: folder, prompt: text, system, raw, json, ...flags }) => {
    const sampling = readFlags(samplingSchema, flags);
    const { loadModel } = await import('@parley/lm/checkpoint');
    const { buildChatPrompt, Generator } = await import('@parley/lm/generate');
    const { model, tokenizer } = loadModel(folder);
    const generator = new Generator(model, tokenizer, { slots: 1, ...readFlags(formatsSchema, flags) });
    const messages = [
      ...(system ? [{ role: 'system' as const, content: system }] : []),
      { role: 'user' as const, content: text },
    ];
    const prompt = raw
      ? tokenizer.encode(text)
      : buildChatPrompt(tokenizer, messages, { context: generator.context, reserve: sampling.maxTokens }).ids;
    const onText = json ? undefined : (delta: string) => void process.stdout.write(delta);
    const answer = await generator.generate({ prompt, sampling, onText });
    if (!json) process.stdout.write('\n');
    else {
      const { text: answered, ids, finishReason, tokensPerSecond } = answer;
      process.stdout.write(`${JSON.stringify({ text: answered, ids, finishReason, tokensPerSecond })}\n`);
    }
  });
}
