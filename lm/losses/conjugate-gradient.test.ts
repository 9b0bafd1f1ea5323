import { Random } from '@parley/engine';
import { expect, test } from 'vitest';
import { conjugateGradient, dot } from './conjugate-gradient.ts';

/** A = M Mᵀ + I, dense. */
function definiteMatrix(size: number, random: Random): Float32Array[] {
  const factor = Array.from({ length: size }, () => Float32Array.from({ length: size }, () => random.normal()));
  return factor.map((row, i) => Float32Array.from(factor, (other, j) => dot(row, other) / size + (i === j ? 1 : 0)));
}

/** Gauss's elimination with pivots, in double precision. */
function solveDense(matrix: Float32Array[], b: Float32Array): number[] {
  const rows = matrix.map((row, i) => [...row, b[i]!]);
  for (let column = 0; column < rows.length; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let k = column; k < row.length; k++) row[k]! -= factor * pivot[k]!;
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}

test.each([1, 12, 150])('agrees with a dense solve: %i unknowns', (size) => {
  const random = new Random(size);
  const matrix = definiteMatrix(size, random);
  const b = Float32Array.from({ length: size }, () => random.normal());
  const apply = (v: Float32Array) => Float32Array.from(matrix, (row) => dot(row, v));
  const { x, product } = conjugateGradient(apply, b, { iterations: 2 * size, tolerance: 1e-13 });
  const exact = solveDense(matrix, b);
  for (const [i, value] of exact.entries()) expect(x[i]).toBeCloseTo(value, 4);
  const applied = apply(x);
  for (const [i, value] of product.entries()) expect(value).toBeCloseTo(applied[i]!, 4);
});

test('every iteration comes nearer in the norm of the matrix, and a zero right side takes none', () => {
  const random = new Random(7);
  const matrix = definiteMatrix(30, random);
  const b = Float32Array.from({ length: 30 }, () => random.normal());
  const apply = (v: Float32Array) => Float32Array.from(matrix, (row) => dot(row, v));
  // ½ xᵀAx − bᵀx falls.
  const energies = [1, 2, 4, 8].map((iterations) => {
    const { x } = conjugateGradient(apply, b, { iterations });
    return 0.5 * dot(x, apply(x)) - dot(b, x);
  });
  expect(energies).toEqual([...energies].sort((p, q) => q - p));
  expect(conjugateGradient(() => expect.unreachable(), new Float32Array(3), { iterations: 5 }).x).toEqual(
    new Float32Array(3),
  );
});

test('stops where the matrix is not positive', () => {
  const { x } = conjugateGradient((v) => v.map((value) => -value), Float32Array.of(1, 2), { iterations: 5 });
  expect(x).toEqual(new Float32Array(2));
});
