import { type Command, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { addJsonFlag } from '../flags.ts';

export function define(command: Command): void {
  command.option('--size <size>', 'LAYERSxWIDTHxHEADSxCONTEXTxBATCHxVOCABULARY', '6x384x6x256x16x8192');
  command.addOption(
    new Option('--precision <precision>', 'precision inside matrix products').choices(['bf16', 'f32']).default('bf16'),
  );
  addJsonFlag(command);
  command.action(async ({ size, precision, json }) => {
    const { benchTrain, parseTrainSize } = await import('@parley/bench');
    const result = benchTrain(readSize(size, parseTrainSize), precision);
    if (json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    process.stdout.write(
      `${size} in ${precision} on ${result.threads} threads (${result.cpu}): ${result.tokensPerSecond.toFixed(0)} tokens/s, ` +
        `${result.millisecondsPerStep.toFixed(0)} ms per step, ${result.gflops.toFixed(0)} GFLOP/s of a measured peak of ` +
        `${result.peakGflops.toFixed(0)} (${(result.shareOfPeak * 100).toFixed(0)} %), ${result.memoryMB.toFixed(0)} MB\n`,
    );
  });
}

function readSize<Size>(text: string, parse: (text: string) => Size): Size {
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`--size: ${(error as Error).message}`);
  }
}
