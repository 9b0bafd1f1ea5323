import { native } from '../native/addon.ts';
import { computed, records } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { packedForProducts, productShape, roundedLinear } from './linear.ts';
import { requireGain, rmsNorm } from './rms-norm.ts';
import { swiglu } from './swiglu.ts';

/** Which of the outputs is not kept but computed again in `backward`, as in roundedLinear; by default none. */
interface Recomputed {
  normed?: { recomputed?: boolean };
  product?: { recomputed?: boolean };
}

/**
 * roundedLinear of rmsNorm, with the same bits. Where nothing is recorded and ParameterSet.pack laid the weight out, the
 * product normalises the rows as it reads them: with few rows a kernel of its own takes as long to start as to run, and
 * its output would travel from one core to the other.
 *
 * @param x [N, K], the residual stream
 * @param gain [K], the weight of the normalisation
 * @param weight [M, K], one row per output column
 * @returns [N, M]
 */
export function normedLinear(
  x: Tensor,
  gain: Tensor,
  weight: Tensor,
  epsilon: number,
  { normed, product }: Recomputed = {},
): Tensor {
  return (
    fromPacked('normedLinear', x, gain, weight, epsilon) ??
    roundedLinear(rmsNorm(x, gain, epsilon, normed), weight, product)
  );
}

/**
 * swiglu of normedLinear, with the same bits. Where nothing is recorded and ParameterSet.pack laid the weight out (as one
 * whose spec says that it is gated), each product of a gate ends up with that of what it gates.
 *
 * @param x [N, K], the residual stream
 * @param gain [K], the weight of the normalisation
 * @param weight [2F, K], F gates and then what they gate
 * @returns [N, F]
 */
export function normedSwiglu(
  x: Tensor,
  gain: Tensor,
  weight: Tensor,
  epsilon: number,
  { gated, ...recomputed }: Recomputed & { gated?: { recomputed?: boolean } } = {},
): Tensor {
  return (
    fromPacked('normedSwiglu', x, gain, weight, epsilon) ??
    swiglu(normedLinear(x, gain, weight, epsilon, recomputed), gated)
  );
}

/** By one kernel; null where that cannot be. */
function fromPacked(
  name: 'normedLinear' | 'normedSwiglu',
  x: Tensor,
  gain: Tensor,
  weight: Tensor,
  epsilon: number,
): Tensor | null {
  const gated = name === 'normedSwiglu';
  const packed = packedForProducts(weight, gated);
  const inputs = [x, gain, weight];
  if (packed === null || records(inputs)) return null;
  const [rows, columns] = productShape(name, x, weight);
  requireGain(name, x, gain);
  return computed(name, inputs, [rows, gated ? columns / 2 : columns], (output) => {
    native().normalisedProductPacked(x.data, gain.data, epsilon, packed.weight, output, rows);
  });
}
