/**
 * The training step beside PyTorch's, in turn, so that a machine whose speed drifts treats both alike:
 *
 *   tsx bench/compare-train.ts PYTHON [SIZE] [PRECISION] [PAIRS]
 *
 * PYTHON is an interpreter with PyTorch installed. Prints each pair and the median of the ratios.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const [python, size = '6x384x6x256x16x8192', precision = 'bf16', pairs = '5'] = process.argv.slice(2);
if (!python) throw new Error('usage: compare-train.ts PYTHON [SIZE] [PRECISION] [PAIRS]');

const run = (command: string, args: string[]): { tokensPerSecond: number; memoryMB: number } =>
  JSON.parse(execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }));

const parley = join(import.meta.dirname, '../cli/bin.mjs');
const ratios: number[] = [];
for (let pair = 0; pair < Number(pairs); pair++) {
  const ours = run(parley, ['bench', 'train', '--size', size, '--precision', precision, '--json']);
  const theirs = run(python, [join(import.meta.dirname, 'peers/pytorch-train.py'), size, precision, '5']);
  ratios.push(ours.tokensPerSecond / theirs.tokensPerSecond);
  console.log(
    `${size} ${precision}: Parley ${ours.tokensPerSecond.toFixed(0)} tokens/s, ${ours.memoryMB.toFixed(0)} MB; ` +
      `PyTorch ${theirs.tokensPerSecond.toFixed(0)} tokens/s, ${theirs.memoryMB.toFixed(0)} MB; ratio ${ratios.at(-1)!.toFixed(2)}`,
  );
}
ratios.sort((a, b) => a - b);
console.log(`median ratio ${ratios[Math.floor(ratios.length / 2)]!.toFixed(2)} over ${pairs} pairs`);
