import { native, precision } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { PackedParameter, Storage, Tensor } from '../tensor.ts';
import { matrixExtents, shapeError } from './shape-error.ts';

type Inputs = readonly [x: Tensor, weight: Tensor] | readonly [x: Tensor, weight: Tensor, residual: Tensor];

/** [rows, columns] of x · weightᵀ. */
export function productShape(operation: string, x: Tensor, weight: Tensor): [number, number] {
  const [rows, inner] = matrixExtents(operation, 'x', x);
  const [columns, weightInner] = matrixExtents(operation, 'weight', weight);
  if (inner !== weightInner) {
    throw shapeError(operation, { x, weight }, `weight to have ${inner} columns, as x has`);
  }
  return [rows, columns];
}

/** What ParameterSet.pack made of a weight, if such products take that in the precision as it is. */
export function packedForProducts({ packed }: Tensor, gated = false): PackedParameter | null {
  if (packed === null || packed.gated !== gated) return null;
  return packed.format === 'int8' || packed.format === precision() ? packed : null;
}

const linearOperation: Operation<Inputs, undefined, null, Storage, Storage> = {
  name: 'linear',
  roundsOutputGradient: ([, , residual]) => residual === undefined,

  shape([x, weight, residual]) {
    const [rows, columns] = productShape('linear', x, weight);
    if (residual !== undefined && (residual.shape[0] !== rows || residual.shape[1] !== columns)) {
      throw shapeError('linear', { x, weight, residual }, `residual to be [${rows}, ${columns}], as the output is`);
    }
    return [rows, columns];
  },

  forward([x, weight, residual], _options, output, records) {
    const [rows, inner] = x.shape as [number, number];
    const packed = records ? null : packedForProducts(weight);
    if (packed !== null) {
      native().productPacked(x.stored, packed.weight, residual?.data ?? null, output as Float32Array, rows);
      return null;
    }
    native().productForward(x.stored, weight.data, residual?.data ?? null, output, rows, inner, weight.shape[0]!);
    return null;
  },

  gradient([x, weight, residual], _options, _saved, outputGradient, flow) {
    const [rows, inner] = x.shape as [number, number];
    const columns = weight.shape[0]!;
    const dx = flow.roundedTarget(x);
    if (dx !== null) native().productInputGradient(outputGradient, weight.data, dx.data, dx.add, rows, inner, columns);
    const dWeight = flow.target(weight);
    if (dWeight !== null) {
      native().productWeightGradient(outputGradient, x.stored, dWeight.data, dWeight.add, rows, inner, columns);
    }
    if (residual !== undefined) flow.give(residual, outputGradient as Float32Array);
  },
};

const roundedLinearOperation = { ...linearOperation, roundedWhenRecorded: true } as const;
const recomputedLinearOperation = { ...roundedLinearOperation, recomputed: true } as const;

/**
 * The product x · weightᵀ, plus the residual stream if one is given. Operands are rounded to bfloat16 when the
 * precision is 'bf16' and the processor has bf16 dot products; sums are float32 either way. Where nothing is recorded
 * a weight that ParameterSet.pack laid out is used as it lies; in 'int8' that rounds each row of x to 8 bits too.
 *
 * @param x [N, K]
 * @param weight [M, K], one row per output column
 * @param residual [N, M]
 * @returns [N, M]
 */
export function linear(x: Tensor, weight: Tensor, residual?: Tensor): Tensor {
  return apply(linearOperation, residual === undefined ? [x, weight] : [x, weight, residual], undefined);
}

/**
 * The product x · weightᵀ for an output that attention or SwiGLU alone will read: on the tape, in 'bf16', it is stored
 * rounded, as PyTorch's autocast does too. That is the larger part of what a training step keeps.
 *
 * @param x [N, K]
 * @param weight [M, K], one row per output column
 * @param options.recomputed whether, where it is stored rounded, it is not kept but computed again in `backward`: the
 *   same bits for one more product; default: false
 * @returns [N, M]
 */
export function roundedLinear(x: Tensor, weight: Tensor, options: { recomputed?: boolean } = {}): Tensor {
  return apply(options.recomputed ? recomputedLinearOperation : roundedLinearOperation, [x, weight], undefined);
}
