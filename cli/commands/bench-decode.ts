import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';

const benchDecodeSchema = z.object({
  size: z.enum(['smollm2-135m']).default('smollm2-135m').describe('whose dimensions; weights are random'),
  batch: z.int().min(1).max(256).default(1).describe('requests at the same time'),
  precision: z.enum(['bf16', 'int8']).default('bf16').describe('how weights are stored'),
  cache: z.enum(['bf16', 'int8']).optional().describe('how keys and values are stored; as the weights if not given'),
  prompt: z.int().min(1).max(4096).default(512).describe('tokens of each prompt'),
});

export function define(command: Command): void {
  addFlags(command, benchDecodeSchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const { size, batch, precision, cache = precision, prompt } = readFlags(benchDecodeSchema, flags);
    const { benchDecode } = await import('@parley/bench');
    const result = await benchDecode({ size, batch, prompt, weights: precision, cache });
    if (json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    process.stdout.write(
      `${size}, ${precision} weights, ${cache} cache, ${batch} requests of ${prompt} tokens on ${result.threads} threads ` +
        `(${result.cpu}): ${result.tokensPerSecond.toFixed(0)} tokens/s, ${result.millisecondsPerStep.toFixed(1)} ms per step, ` +
        `${(result.shareOfBandwidth * 100).toFixed(0)} % of ${result.bandwidth.toFixed(1)} GB/s; a prompt alone ` +
        `${result.timeToFirstTokenMs.toFixed(0)} ms (${result.promptTokensPerSecond.toFixed(0)} tokens/s)\n`,
    );
  });
}
