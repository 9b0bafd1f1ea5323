import { native } from '../native/addon.ts';
import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { matrixExtents } from './shape-error.ts';

interface Options {
  readonly ids: Int32Array;
}

const embeddingOperation: Operation<readonly [weight: Tensor], Options, null> = {
  name: 'embedding',

  shape([weight], { ids }) {
    const [vocabulary, width] = matrixExtents('embedding', 'weight', weight);
    checkIds('embedding', 'id', ids, 0, vocabulary);
    return [ids.length, width];
  },

  forward([weight], { ids }, output) {
    native().embeddingForward(weight.data, ids, output);
    return null;
  },

  gradient([weight], { ids }, _saved, outputGradient, flow) {
    const target = flow.target(weight);
    if (target === null) return;
    if (!target.add) target.data.fill(0);
    native().embeddingBackward(ids, outputGradient, target.data);
  },
};

/**
 * Looks up rows of a table. The gradient adds the rows of one id in their order in `ids`, whatever the thread count.
 *
 * @param ids [N], each in [0, V)
 * @param weight [V, D]
 * @returns [N, D]
 */
export function embedding(ids: Int32Array, weight: Tensor): Tensor {
  return apply(embeddingOperation, [weight], { ids });
}

/** Throws a RangeError that names the first id outside [lowest, vocabulary), its position and the vocabulary. */
export function checkIds(operation: string, noun: string, ids: Int32Array, lowest: number, vocabulary: number): void {
  for (let position = 0; position < ids.length; position++) {
    const id = ids[position]!;
    if (id < lowest || id >= vocabulary) {
      throw new RangeError(
        `${operation}: ${noun} ${id} at position ${position} is outside the vocabulary; ` +
          `expected ${lowest} to ${vocabulary - 1} (vocabulary ${vocabulary}).`,
      );
    }
  }
}
