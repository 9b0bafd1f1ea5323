/**
 * Solves A x = b for a symmetric positive definite A that is known only by what it does to a vector (Hestenes and
 * Stiefel 1952). After as many iterations as A has distinct eigenvalues the solution is exact; far fewer give a step
 * that is good enough for a trust region.
 *
 * @param apply A v, a new array
 * @param iterations at most so many
 * @param tolerance ends when the squared residual is this share of the squared norm of b
 * @returns x, and A x, which comes at no extra product
 */
export function conjugateGradient(
  apply: (v: Float32Array) => Float32Array,
  b: Float32Array,
  { iterations, tolerance = 1e-10 }: { iterations: number; tolerance?: number },
): { x: Float32Array; product: Float32Array } {
  const x = new Float32Array(b.length);
  const product = new Float32Array(b.length);
  const residual = b.slice();
  let direction = b.slice();
  let squared = dot(residual, residual);
  const enough = squared * tolerance;
  for (let iteration = 0; iteration < iterations && squared > enough; iteration++) {
    const applied = apply(direction);
    const curvature = dot(direction, applied);
    // Not positive definite in this direction, as rounding can make it: what there is already is the best step.
    if (!(curvature > 0)) break;
    const length = squared / curvature;
    for (let i = 0; i < x.length; i++) {
      x[i]! += length * direction[i]!;
      product[i]! += length * applied[i]!;
      residual[i]! -= length * applied[i]!;
    }
    const next = dot(residual, residual);
    const turn = next / squared;
    direction = direction.map((value, i) => residual[i]! + turn * value);
    squared = next;
  }
  return { x, product };
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
