import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Storage, Tensor } from '../tensor.ts';
import { matrixExtents, shapeError } from './shape-error.ts';

const swigluOperation: Operation<readonly [gateUp: Tensor], undefined, null, Storage, Storage> = {
  name: 'swiglu',
  roundedWhenRecorded: true,
  roundsOutputGradient: () => true,

  shape([gateUp]) {
    const [rows, columns] = matrixExtents('swiglu', 'gateUp', gateUp);
    if (columns % 2 !== 0) {
      throw shapeError('swiglu', { gateUp }, 'an even number of columns: the gate half, then the up half');
    }
    return [rows, columns / 2];
  },

  forward([gateUp], _options, output) {
    native().swigluForward(gateUp.stored, output, gateUp.shape[0]!);
    return null;
  },

  gradient([gateUp], _options, _saved, outputGradient, flow) {
    const target = flow.roundedTarget(gateUp);
    if (target === null) return;
    native().swigluBackward(gateUp.stored, outputGradient, target.data, target.add, gateUp.shape[0]!);
  },
};

const recomputedOperation = { ...swigluOperation, recomputed: true } as const;

/**
 * The gated activation of Llama's feed-forward layer (Shazeer, 2020): silu(gate) · up, where gate is the first half
 * of each row, up the second, and silu(g) = g / (1 + exp(-g)).
 *
 * @param gateUp [N, 2F]
 * @param options.recomputed as in roundedLinear
 * @returns [N, F]
 */
export function swiglu(gateUp: Tensor, options: { recomputed?: boolean } = {}): Tensor {
  return apply(options.recomputed ? recomputedOperation : swigluOperation, [gateUp], undefined);
}
