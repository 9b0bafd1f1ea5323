/**
 * The training step beside PyTorch's, in turn:
 *
 *   tsx bench/compare-train.ts PYTHON [SIZE] [PRECISION] [ROUNDS]
 *
 * PYTHON is an interpreter with PyTorch installed. All of PyTorch's modes are measured once (f32 and bf16, each with
 * and without torch.compile); the fastest is the peer. Prints the comparison as JSON.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Comparison, compare, runJson } from './comparison.ts';

interface Survey {
  /** The fastest mode. */
  mode: string;
  version: string;
  modes: Record<string, { tokensPerSecond: number; memoryMB: number }>;
}

/** PyTorch's modes, measured once, and the rounds against the fastest of them. */
export interface TrainComparison {
  size: string;
  survey: Survey;
  comparison: Comparison;
}

export async function compareTrain(
  python: string,
  size: string,
  precision: string,
  rounds = 5,
): Promise<TrainComparison> {
  const script = join(import.meta.dirname, 'peers/pytorch-train.py');
  const survey = runJson<Survey>(python, [script, size]);
  const parley = join(import.meta.dirname, '../cli/bin.mjs');
  const comparison = await compare(
    {
      name: `Parley ${precision}`,
      measure: () => {
        const run = runJson(parley, ['bench', 'train', '--size', size, '--precision', precision, '--json']);
        return { tokensPerSecond: run.tokensPerSecond!, memoryMB: run.memoryMB!, shareOfPeak: run.shareOfPeak! };
      },
    },
    [
      {
        name: `PyTorch ${survey.version} ${survey.mode}`,
        measure: () => {
          const run = runJson(python, [script, size, survey.mode]);
          return { tokensPerSecond: run.tokensPerSecond!, memoryMB: run.memoryMB! };
        },
      },
    ],
    rounds,
  );
  return { size, survey, comparison };
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  const [python, size = '6x384x6x256x16x8192', precision = 'bf16', rounds = '5'] = process.argv.slice(2);
  if (!python) throw new Error('usage: compare-train.ts PYTHON [SIZE] [PRECISION] [ROUNDS]');
  console.log(JSON.stringify(await compareTrain(python, size, precision, Number(rounds)), null, 1));
}
