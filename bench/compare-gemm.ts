/**
 * The matrix products beside OpenBLAS's, in turn, where one of their dimensions is small:
 *
 *   tsx bench/compare-gemm.ts PYTHON [ROUNDS]
 *
 * PYTHON is an interpreter with a NumPy from PyPI. Figures are GFLOP/s in f32, named '4096x64x384 dX' after m, n, k
 * and the direction (bench/gemm.ts). Prints the comparison as JSON.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threads } from '@parley/engine';
import { type Comparison, compare, type Figures, runJson } from './comparison.ts';
import { benchGemm, type Direction, type ProductShape, smallShapes } from './gemm.ts';

type Measured = ProductShape & { direction: Direction; gflops: number };

export function compareGemm(python: string, rounds = 5): Promise<Comparison> {
  const script = join(import.meta.dirname, 'peers/openblas-gemm.py');
  const sizes = smallShapes.map(({ m, n, k }) => `${m},${n},${k}`);
  const flags = ['--threads', String(threads())];
  return compare(
    { name: 'Parley f32', measure: () => figures(benchGemm(smallShapes, ['f32'], 1).shapes) },
    [
      {
        name: 'OpenBLAS',
        measure: () => figures(runJson<{ shapes: Measured[] }>(python, [script, ...sizes, ...flags]).shapes),
      },
    ],
    rounds,
  );
}

function figures(shapes: readonly Measured[]): Figures {
  return Object.fromEntries(
    shapes.map(({ m, n, k, direction, gflops }) => [`${m}x${n}x${k} ${direction}`, gflops] as const),
  );
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  const [python, rounds = '5'] = process.argv.slice(2);
  if (!python) throw new Error('usage: compare-gemm.ts PYTHON [ROUNDS]');
  console.log(JSON.stringify(await compareGemm(python, Number(rounds)), null, 1));
}
