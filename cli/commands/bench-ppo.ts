import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

const benchPpoSchema = z.object({
  size: z.enum(['quick', 'smollm2-135m']).default('quick').describe('whose dimensions; weights are random'),
  model: z.string().default('').describe('a model folder instead; it answers the questions of every evaluation'),
  batch: z.int().min(4).max(256).multipleOf(4).default(64).describe('answers per batch'),
  prompt: z
    .int()
    .min(1)
    .max(128)
    .default(32)
    .describe('tokens of each prompt; of --model they are as long as they are'),
  maxTokens: z.int().min(1).max(128).default(48).describe('longest answer in tokens'),
});

export function define(command: Command): void {
  addFlags(command, benchPpoSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const { size: known, model, ...rest } = readFlags(benchPpoSchema, flags);
    const { benchGeneration, benchPpo } = await import('@parley/bench');
    const size = model === '' ? known : { folder: model };
    const measured = await benchPpo({ size, ...rest });
    const generation = {
      'smollm2-135m': await benchGeneration('smollm2-135m'),
      ...(size !== 'smollm2-135m' && { [measured.size.name]: await benchGeneration(size) }),
    };
    const result = { ...measured, generation };
    if (json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
    const { name, parameters, batch, promptTokens, answerTokens } = result.size;
    process.stdout.write(
      `PPO of ${name} (${(parameters / 1e6).toFixed(1)} M parameters), batches of ${batch} answers of ` +
        `${answerTokens.toFixed(0)} tokens to prompts of ${promptTokens.toFixed(0)}, on ${result.threads} threads (${result.cpu}): ` +
        `${result.secondsPer1000Episodes.toFixed(1)} s per 1,000 answers, ${percent(result.share.generate)} generating, ` +
        `${percent(result.share.score)} scoring, ${percent(result.share.learn)} learning\n`,
    );
    for (const [of, { batch1, batch64, ratio }] of Object.entries(generation)) {
      process.stdout.write(
        `generation of ${of}: ${batch1.toFixed(0)} tokens/s at batch 1, ${batch64.toFixed(0)} at batch 64 (${ratio.toFixed(1)} times)\n`,
      );
    }
  });
}
