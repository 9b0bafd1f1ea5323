import { allocate, arenaMark, releaseTo } from '../arena.ts';
import { native } from '../native/addon.ts';
import type { GradientTarget } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

export interface VocabularySoftmax {
  /** [N, D] */
  readonly hidden: Tensor;
  /** [V, D], the output embedding */
  readonly weight: Tensor;
  /** [N] ids in [0, V), or -1 for a row that does not count. */
  readonly targets: Int32Array;
  /** [N], filled: nats; 0 where the target is -1. */
  readonly logProbabilities: Float32Array;
  /** [N], filled if given: nats; 0 where the target is -1. */
  readonly entropies: Float32Array | null;
}

export interface VocabularySoftmaxGradients {
  readonly dHidden: GradientTarget | null;
  readonly dWeight: GradientTarget | null;
  /** d total / d (-log-probability), of all rows. */
  readonly scale: number;
  /** [N], further factors, one for each row. */
  readonly rowWeights?: Float32Array;
}

/**
 * The softmax over the vocabulary, chunk after chunk of rows: what both losses over it are made of. Gradients are those
 * of the negative log-probabilities of the targets. The workspace lies in the arena for the time of the call, where
 * `backward` puts the gradients of the layers afterwards.
 *
 * @returns the sum of the negative log-probabilities
 */
export function vocabularySoftmax(
  { hidden, weight, targets, logProbabilities, entropies }: VocabularySoftmax,
  { dHidden, dWeight, scale, rowWeights }: VocabularySoftmaxGradients = { dHidden: null, dWeight: null, scale: 0 },
): number {
  const [vocabulary, width] = weight.shape as [number, number];
  const mark = arenaMark();
  try {
    return native().crossEntropy(
      hidden.stored,
      weight.data,
      targets,
      rowWeights ?? null,
      logProbabilities,
      entropies,
      dHidden?.data ?? null,
      dHidden?.add ?? false,
      dWeight?.data ?? null,
      dWeight?.add ?? false,
      allocate(native().crossEntropyWorkspace(targets.length, vocabulary, width, dHidden !== null)),
      width,
      scale,
    );
  } finally {
    releaseTo(mark);
  }
}
