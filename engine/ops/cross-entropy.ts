import { apply, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkIds } from './embedding.ts';
import { matrixExtents, shapeError } from './shape-error.ts';
import { vocabularySoftmax } from './vocabulary-softmax.ts';

interface Options {
  readonly targets: Int32Array;
  readonly normalizer: number;
  /** [N], filled when the loss is. */
  readonly logProbabilities: Float32Array;
  readonly entropies: Float32Array | null;
}

const crossEntropyOperation: Operation<readonly [hidden: Tensor, weight: Tensor], Options, null> = {
  name: 'crossEntropy',
  // The logits are at hand once, and the gradients need them as the loss does.
  computedInBackward: true,

  shape([hidden, weight], { targets, normalizer }) {
    const [rows, width] = matrixExtents('crossEntropy', 'hidden', hidden);
    const [vocabulary, weightWidth] = matrixExtents('crossEntropy', 'weight', weight);
    if (width !== weightWidth) {
      throw shapeError('crossEntropy', { hidden, weight }, `weight to have ${width} columns, as hidden has`);
    }
    if (targets.length !== rows) {
      throw shapeError('crossEntropy', { hidden }, `one row per target, of which there are ${targets.length}`);
    }
    checkIds('crossEntropy', 'target', targets, -1, vocabulary);
    if (!(normalizer > 0)) {
      throw new RangeError(`crossEntropy: the normalizer is ${normalizer}; expected a positive number.`);
    }
    return [];
  },

  forward([hidden, weight], options, output) {
    output[0] = vocabularySoftmax({ hidden, weight, ...options }) / options.normalizer;
    return null;
  },

  gradient([hidden, weight], options, _saved, outputGradient, flow, output) {
    const dHidden = flow.target(hidden);
    const dWeight = flow.target(weight);
    const scale = outputGradient[0]! / options.normalizer;
    const total = vocabularySoftmax({ hidden, weight, ...options }, { dHidden, dWeight, scale });
    output[0] = total / options.normalizer;
  },
};

/** What `crossEntropy` gives: all of it is there after `backward`, or computed when it is first read before. */
export interface CrossEntropy {
  /** Scalar, in nats. Gradients flow from it alone. */
  readonly loss: Tensor;
  /** [N], nats, outside the arena; 0 where the target is -1. */
  readonly logProbabilities: Float32Array;
  /** [N], nats, outside the arena; 0 where the target is -1; null if they were not asked for. */
  readonly entropies: Float32Array | null;
}

/**
 * The negative log-probability of each target under softmax(hidden · weightᵀ), summed over the targets that count
 * and divided by `normalizer`. The logits are made and used in chunks and never stored whole. Where a scope records,
 * they are made in `backward`, once for the loss and its gradients: reading a result earlier costs making them twice.
 *
 * @param hidden [N, D]
 * @param weight [V, D], the output embedding
 * @param targets [N] ids in [0, V); -1 where no loss is taken
 * @param options.normalizer divisor of the sum; default: the number of targets that count, at least 1
 * @param options.entropies whether the entropies of the predicted distributions are wanted; default: false
 */
export function crossEntropy(
  hidden: Tensor,
  weight: Tensor,
  targets: Int32Array,
  options: { normalizer?: number; entropies?: boolean } = {},
): CrossEntropy {
  const normalizer = options.normalizer ?? Math.max(1, countTargets(targets));
  const logProbabilities = new Float32Array(targets.length);
  const entropies = options.entropies ? new Float32Array(targets.length) : null;
  const loss = apply(crossEntropyOperation, [hidden, weight], { targets, normalizer, logProbabilities, entropies });
  return {
    loss,
    get logProbabilities() {
      loss.compute();
      return logProbabilities;
    },
    get entropies() {
      loss.compute();
      return entropies;
    },
  };
}

function countTargets(targets: Int32Array): number {
  let count = 0;
  for (const target of targets) if (target >= 0) count++;
  return count;
}
