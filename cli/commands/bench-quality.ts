import type { Command } from 'commander';
import { z } from 'zod';
import { addFlags, addJsonFlag, readFlags } from '../flags.ts';
import { shippedModel } from '../shipped-model.ts';

const benchQualitySchema = z.object({
  model: z.string().default('').describe('model folder; empty takes the one that ships with Parley'),
  data: z.string().describe('data folder of `parley data build`; its held-out part is read'),
  tokens: z.int().min(1).default(16_384).describe('how many to read of documents and of conversations'),
});

export function define(command: Command): void {
  addFlags(command, benchQualitySchema);
  addJsonFlag(command);
  command.action(async ({ json, ...flags }) => {
    const { model, data, tokens } = readFlags(benchQualitySchema, flags);
    const { benchQuality } = await import('@parley/bench');
    const result = benchQuality(model || shippedModel(), data, tokens);
    if (json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    process.stdout.write('weights  cache  text           perplexity  against bf16  same best token\n');
    for (const { weights, cache, ...texts } of result.formats) {
      for (const [text, { perplexity, perplexityRatio, agreement }] of Object.entries(texts)) {
        const change = `${((perplexityRatio - 1) * 100).toFixed(2)} %`;
        process.stdout.write(
          `${weights.padEnd(7)}  ${cache.padEnd(5)}  ${text.padEnd(13)}  ${perplexity.toFixed(3).padStart(10)}  ` +
            `${change.padStart(12)}  ${`${(agreement * 100).toFixed(2)} %`.padStart(15)}\n`,
        );
      }
    }
  });
}
