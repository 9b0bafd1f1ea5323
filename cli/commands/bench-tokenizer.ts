import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../errors.ts';
import { addJsonFlag } from '../flags.ts';

export function define(command: Command): void {
  command.requiredOption('--data <file>', 'text to learn from and to encode');
  addJsonFlag(command);
  command.action(async ({ data, json }) => {
    if (!existsSync(data)) throw new UsageError(`--data: there is no file ${data}`);
    const { benchTokenizer } = await import('@parley/bench');
    const result = benchTokenizer(data);
    if (json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const { train, encode, threads } = result;
    process.stdout.write(
      `Learned ${train.vocabulary} tokens from ${train.megabytes.toFixed(1)} MB in ${train.seconds.toFixed(1)} s. ` +
        `Encoded it at ${encode.oneThread.toFixed(0)} MB/s on one thread, ` +
        `${encode.megabytesPerSecond.toFixed(0)} MB/s on ${threads}.\n`,
    );
  });
}
