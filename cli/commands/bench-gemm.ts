import type { Command } from 'commander';
import { addJsonFlag } from '../flags.ts';

export function define(command: Command): void {
  addJsonFlag(command);
  command.action(async ({ json }) => {
    const { benchGemm } = await import('@parley/bench');
    const result = benchGemm();
    if (json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return;
    }
    const { bf16, f32 } = result.peakGflops;
    process.stdout.write(`Measured peak: ${bf16.toFixed(0)} GFLOP/s in bf16, ${f32.toFixed(0)} in f32.\n\n`);
    process.stdout.write('    m     n     k  direction  precision  GFLOP/s  of peak\n');
    for (const { m, n, k, direction, precision, gflops, shareOfPeak } of result.shapes) {
      const size = [m, n, k].map((extent) => String(extent).padStart(5)).join(' ');
      const speed = gflops.toFixed(1).padStart(7);
      const share = `${(shareOfPeak * 100).toFixed(0)} %`.padStart(7);
      process.stdout.write(`${size}  ${direction.padEnd(9)}  ${precision.padEnd(9)}  ${speed}  ${share}\n`);
    }
  });
}
