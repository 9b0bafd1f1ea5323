import { native, precision } from '../native/addon.ts';
import type { ParameterSet } from '../nn/parameter-set.ts';
import type { Storage } from '../tensor.ts';

export interface AdamWOptions {
  /** Decay of the first moment, [0, 1). */
  readonly beta1: number;
  /** Decay of the second moment, [0, 1). */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** Decoupled weight decay of the parameters that have `decay`. */
  readonly weightDecay: number;
}

/** A contiguous stretch of parameters that agree on weight decay. */
interface Stretch {
  begin: number;
  end: number;
  decay: boolean;
}

/**
 * AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019), in PyTorch's order of operations, in
 * float32, after clipping the gradient to a global norm. The state to save with a checkpoint is `firstMoment`,
 * `secondMoment` and `steps`.
 *
 * In precision 'bf16' the moments are kept in bfloat16 from one step to the next (DeepSeek-V3 technical report, 2024,
 * section 3.3): 12 bytes a parameter with its value and its gradient instead of 16. A step computes in float32 and
 * uses the moments before they are rounded: the first to the nearest, the second stochastically (Gupta et al., "Deep
 * learning with limited numerical precision", 2015), because with `beta2` 0.999 a step changes it by less than half
 * of bfloat16's spacing, and the nearest would leave it as it is. (A first moment comes to rest within 0.4 % / (1 -
 * `beta1`) of a gradient that stays the same: 4 % with 0.9.) The price is an error in each step of at most 0.4 % of the
 * first moment and 0.8 % of the second, without bias in the second.
 */
export class AdamW {
  /** [parameters.count], of the type that the precision at construction asks for. */
  readonly firstMoment: Storage;
  /** As `firstMoment`. */
  readonly secondMoment: Storage;
  /** Steps taken; bias correction depends on it. */
  steps = 0;
  readonly #parameters: ParameterSet;
  readonly #options: AdamWOptions;
  readonly #stretches: readonly Stretch[];

  constructor(parameters: ParameterSet, options: AdamWOptions) {
    for (const name of ['beta1', 'beta2'] as const) {
      if (!(options[name] >= 0 && options[name] < 1)) {
        throw new RangeError(`AdamW: ${name} is ${options[name]}; expected at least 0 and below 1.`);
      }
    }
    this.#parameters = parameters;
    this.#options = options;
    this.#stretches = stretchesOf(parameters);
    const Moment = precision() === 'bf16' ? Uint16Array : Float32Array;
    this.firstMoment = new Moment(parameters.count);
    this.secondMoment = new Moment(parameters.count);
  }

  /**
   * Takes one step along the gradients in the parameter set; does not clear them.
   *
   * @param clip largest global gradient norm; longer gradients are scaled down to it. 0 does not clip.
   * @returns the global gradient norm before clipping
   * @throws if a gradient is NaN or infinite, naming the first such parameter; nothing has changed then
   */
  step(learningRate: number, clip: number): number {
    const { values, gradients } = this.#parameters;
    const norm = Math.sqrt(native().sumOfSquares(gradients));
    if (!Number.isFinite(norm)) throw this.#badGradient();
    const factor = clip > 0 && norm > clip ? clip / norm : 1;
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    this.steps++;
    this.#parameters.unpack();
    const correction1 = 1 - beta1 ** this.steps;
    const correction2 = 1 - beta2 ** this.steps;
    for (const { begin, end, decay } of this.#stretches) {
      native().adamw(
        values,
        gradients,
        this.firstMoment,
        this.secondMoment,
        begin,
        end,
        this.steps,
        factor,
        beta1,
        beta2,
        learningRate / correction1,
        1 / Math.sqrt(correction2),
        epsilon,
        decay ? 1 - learningRate * weightDecay : 1,
      );
    }
    return norm;
  }

  #badGradient(): Error {
    for (const { name } of this.#parameters.specs) {
      const index = this.#parameters.get(name).gradient!.findIndex((value) => !Number.isFinite(value));
      if (index === -1) continue;
      const value = this.#parameters.get(name).gradient![index];
      return new Error(
        `AdamW: the gradient of '${name}' is ${value} at element ${index} in step ${this.steps + 1}; the parameters ` +
          'are unchanged. Lower the learning rate, clip harder, or look for bad values in the batch.',
      );
    }
    return new Error(`AdamW: the gradients are finite but their norm overflows in step ${this.steps + 1}.`);
  }
}

function stretchesOf(parameters: ParameterSet): Stretch[] {
  const stretches: Stretch[] = [];
  let offset = 0;
  for (const { name, decay } of parameters.specs) {
    const end = offset + parameters.get(name).size;
    const last = stretches.at(-1);
    if (last !== undefined && last.decay === decay) last.end = end;
    else stretches.push({ begin: offset, end, decay });
    offset = end;
  }
  return stretches;
}
