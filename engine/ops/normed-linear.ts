import { native } from '../native/addon.ts';
import { computed, records } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { packedForProducts, productShape, roundedLinear } from './linear.ts';
import { requireGain, rmsNorm } from './rms-norm.ts';

/** Which of the two outputs is not kept but computed again in `backward`, as in roundedLinear; by default none. */
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
  const packed = packedForProducts(weight);
  const inputs = [x, gain, weight];
  if (packed === null || records(inputs)) return roundedLinear(rmsNorm(x, gain, epsilon, normed), weight, product);
  const shape = productShape('normedLinear', x, weight);
  requireGain('normedLinear', x, gain);
  return computed('normedLinear', inputs, shape, (output) => {
    native().normalisedProductPacked(x.data, gain.data, epsilon, packed.weight, output, shape[0]);
  });
}
