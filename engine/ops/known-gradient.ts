import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { shapeError } from './shape-error.ts';

interface Options {
  readonly loss: number;
  readonly gradients: readonly Float32Array[];
}

const knownGradientOperation: Operation<readonly Tensor[], Options, null> = {
  name: 'knownGradient',

  shape(inputs, { loss, gradients }) {
    for (const [index, input] of inputs.entries()) {
      if (gradients[index]!.length !== input.size) {
        throw shapeError('knownGradient', { input }, `a gradient of as many values, not ${gradients[index]!.length}`);
      }
    }
    if (!Number.isFinite(loss)) {
      throw new RangeError(`knownGradient: the loss is ${loss}; expected a finite number. Look at what went into it.`);
    }
    return [];
  },

  forward(_inputs, { loss }, output) {
    output[0] = loss;
    return null;
  },

  gradient(inputs, { gradients }, _saved, outputGradient, flow) {
    for (const [index, input] of inputs.entries()) {
      const target = flow.target(input);
      if (target !== null) native().scale(gradients[index]!, outputGradient[0]!, target.data, target.add);
    }
  },
};

/**
 * A scalar loss that was computed outside, with its gradient: how a loss in closed form over a few numbers per token
 * (a ratio, a clipped value, a pair of scores) joins the tape.
 *
 * @param loss finite
 * @param parts tensors that the loss depends on, each with d loss / d tensor, as long as the tensor
 * @returns the loss as a scalar tensor
 */
export function knownGradient(loss: number, ...parts: readonly (readonly [Tensor, Float32Array])[]): Tensor {
  return apply(
    knownGradientOperation,
    parts.map(([input]) => input),
    { loss, gradients: parts.map(([, gradient]) => gradient) },
  );
}
