/**
 * e^x for x ≤ 0, at about twice the speed of Math.exp: a softmax over the vocabulary for every token is otherwise a
 * quarter of the time of a step with 32 rows.
 *
 * With k = round(−x / ln 2) and r = x + k ln 2, |r| ≤ ln(2)/2: e^x = 2^−k e^r, and e^r is its Taylor polynomial of
 * degree 7, whose relative error is below 8 × 10⁻⁹ there: a twentieth of what float32 logits can tell apart.
 */

/** 2^−k; zero from where doubles end. */
const powers = Float64Array.from({ length: 1101 }, (_, k) => 2 ** -k);

/** @param x not positive */
export function exponential(x: number): number {
  if (x < -745) return 0;
  const k = Math.floor(0.5 - x * Math.LOG2E);
  const r = x + k * Math.LN2;
  const polynomial =
    1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040)))))));
  return polynomial * powers[k]!;
}
