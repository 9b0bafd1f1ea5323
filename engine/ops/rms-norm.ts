import { allocate } from '../arena.ts';
import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Storage, Tensor } from '../tensor.ts';
import { matrixExtents, shapeError } from './shape-error.ts';

interface Options {
  readonly epsilon: number;
}

/** 1 / root mean square of every row, which the gradient needs again. */
type Saved = Float32Array | null;

/** Throws unless there is one factor for each column of x. */
export function requireGain(operation: string, x: Tensor, weight: Tensor): void {
  const [, width] = matrixExtents(operation, 'x', x);
  if (weight.shape.length !== 1 || weight.size !== width) {
    throw shapeError(operation, { x, weight }, `weight to be [${width}], one factor per column of x`);
  }
}

const rmsNormOperation: Operation<readonly [x: Tensor, weight: Tensor], Options, Saved, Storage, Storage> = {
  name: 'rmsNorm',
  roundedWhenRecorded: true,
  roundsOutputGradient: () => true,

  shape([x, weight]) {
    requireGain('rmsNorm', x, weight);
    return x.shape;
  },

  forward([x, weight], { epsilon }, output, records) {
    const inverse = records ? allocate(x.shape[0]!) : null;
    native().rmsNormForward(x.data, weight.data, output, inverse, epsilon);
    return inverse;
  },

  gradient([x, weight], _options, inverse, outputGradient, flow) {
    const dx = flow.target(x);
    const dWeight = flow.target(weight);
    native().rmsNormBackward(
      x.data,
      weight.data,
      inverse!,
      outputGradient,
      dx?.data ?? null,
      dx?.add ?? false,
      dWeight?.data ?? null,
      dWeight?.add ?? false,
    );
  },
};

const recomputedOperation = { ...rmsNormOperation, recomputed: true } as const;

/**
 * Root-mean-square normalisation of every row (Zhang and Sennrich, 2019): y = x / sqrt(mean(x²) + epsilon) · weight.
 *
 * @param x [N, D]
 * @param weight [D]
 * @param options.recomputed as in roundedLinear
 * @returns [N, D]
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon: number, options: { recomputed?: boolean } = {}): Tensor {
  return apply(options.recomputed ? recomputedOperation : rmsNormOperation, [x, weight], { epsilon });
}
