import { allocate } from '../arena.ts';
import { native } from '../native/addon.ts';
import { applyKeeping, type Operation } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkIds } from './embedding.ts';
import { matrixExtents, shapeError } from './shape-error.ts';

interface Options {
  readonly targets: Int32Array;
  readonly normalizer: number;
  readonly entropies: Float32Array | null;
}

interface Saved {
  readonly logProbabilities: Float32Array;
  /** d loss / d hidden and d loss / d weight, computed while the logits of a chunk were at hand. */
  readonly hiddenGradient: Float32Array | null;
  readonly weightGradient: Float32Array | null;
}

const crossEntropyOperation: Operation<readonly [hidden: Tensor, weight: Tensor], Options, Saved> = {
  name: 'crossEntropy',

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

  forward([hidden, weight], { targets, normalizer, entropies }, output, records) {
    const logProbabilities = new Float32Array(targets.length);
    const hiddenGradient = records && hidden.requiresGradient ? allocate(hidden.size) : null;
    const weightGradient = records && weight.requiresGradient ? allocate(weight.size) : null;
    const total = native().crossEntropy(
      hidden.stored,
      weight.data,
      targets,
      null,
      logProbabilities,
      entropies,
      hiddenGradient,
      weightGradient,
      hidden.shape[1]!,
      1 / normalizer,
    );
    output[0] = total / normalizer;
    return { logProbabilities, hiddenGradient, weightGradient };
  },

  gradient([hidden, weight], _options, saved, outputGradient, flow) {
    const factor = outputGradient[0]!;
    for (const [input, share] of [
      [hidden, saved.hiddenGradient],
      [weight, saved.weightGradient],
    ] as const) {
      if (share === null) continue;
      if (factor !== 1) native().scale(share, factor, share, false);
      flow.give(input, share);
    }
  },
};

/**
 * The negative log-probability of each target under softmax(hidden · weightᵀ), summed over the targets that count
 * and divided by `normalizer`. The logits are made and used in chunks and never stored whole.
 *
 * @param hidden [N, D]
 * @param weight [V, D], the output embedding
 * @param targets [N] ids in [0, V); -1 where no loss is taken
 * @param options.normalizer divisor of the sum; default: the number of targets that count, at least 1
 * @param options.entropies whether the entropies of the predicted distributions are wanted; default: false
 * @returns loss, a scalar in nats; logProbabilities [N] and, if wanted, entropies [N] in nats, both outside the arena
 *   and 0 where the target is -1. Gradients flow from the loss alone.
 */
export function crossEntropy(
  hidden: Tensor,
  weight: Tensor,
  targets: Int32Array,
  options: { normalizer?: number; entropies?: boolean } = {},
): { loss: Tensor; logProbabilities: Float32Array; entropies: Float32Array | null } {
  const normalizer = options.normalizer ?? Math.max(1, countTargets(targets));
  const entropies = options.entropies ? new Float32Array(targets.length) : null;
  const { output, saved } = applyKeeping(crossEntropyOperation, [hidden, weight], { targets, normalizer, entropies });
  return { loss: output, logProbabilities: saved.logProbabilities, entropies };
}

function countTargets(targets: Int32Array): number {
  let count = 0;
  for (const target of targets) if (target >= 0) count++;
  return count;
}
