import { allocate } from '../arena.ts';
import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkIds } from './embedding.ts';
import { matrixExtents, shapeError } from './shape-error.ts';
import { vocabularySoftmax } from './vocabulary-softmax.ts';

interface Options {
  readonly ids: Int32Array;
  readonly entropies: Float32Array | null;
}

const tokenLogProbabilitiesOperation: Operation<readonly [hidden: Tensor, weight: Tensor], Options, null> = {
  name: 'tokenLogProbabilities',

  shape([hidden, weight], { ids, entropies }) {
    const [rows, width] = matrixExtents('tokenLogProbabilities', 'hidden', hidden);
    const [vocabulary, weightWidth] = matrixExtents('tokenLogProbabilities', 'weight', weight);
    if (width !== weightWidth) {
      throw shapeError('tokenLogProbabilities', { hidden, weight }, `weight to have ${width} columns, as hidden has`);
    }
    if (ids.length !== rows) {
      throw shapeError('tokenLogProbabilities', { hidden }, `one row per id, of which there are ${ids.length}`);
    }
    if (entropies !== null && entropies.length !== rows) {
      throw shapeError(
        'tokenLogProbabilities',
        { hidden },
        `one row per entropy, of which there are ${entropies.length}`,
      );
    }
    checkIds('tokenLogProbabilities', 'id', ids, 0, vocabulary);
    return [rows];
  },

  forward([hidden, weight], { ids, entropies }, output) {
    vocabularySoftmax({ hidden, weight, targets: ids, logProbabilities: output, entropies });
    return null;
  },

  // d log p(id) / d logits = [is id] - p: cross-entropy's gradient with a weight of its own for each row. The logits
  // are made again; keeping them is what the chunks avoid.
  gradient([hidden, weight], { ids }, _saved, outputGradient, flow) {
    vocabularySoftmax(
      { hidden, weight, targets: ids, logProbabilities: allocate(ids.length), entropies: null },
      {
        dHidden: flow.target(hidden),
        dWeight: flow.target(weight),
        scale: 1,
        rowWeights: outputGradient.map((value) => -value),
      },
    );
  },
};

/**
 * log softmax(hidden · weightᵀ) at one id per row, without storing the logits: what a policy gradient differentiates.
 * Its backward makes the logits a second time; where the loss is the plain mean of these numbers, `crossEntropy` is
 * cheaper.
 *
 * @param hidden [N, D]
 * @param weight [V, D], the output embedding
 * @param ids [N] in [0, V)
 * @param entropies [N], filled with the entropies of the whole distributions, nats, if given; no gradient flows from them
 * @returns [N], nats, none above 0
 */
export function tokenLogProbabilities(
  hidden: Tensor,
  weight: Tensor,
  ids: Int32Array,
  entropies: Float32Array | null = null,
): Tensor {
  return apply(tokenLogProbabilitiesOperation, [hidden, weight], { ids, entropies });
}
