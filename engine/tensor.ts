/** Row-major float32 tensors. A tensor is a shape over a Float32Array; what can be done with it lives in ops/. */

import type { PackedWeight, WeightFormat } from './native/addon.ts';

/** Tells whether the scope that a tensor was made in still runs; constants and parameters have no home. */
export interface TensorHome {
  readonly alive: boolean;
}

/** How values lie in memory: as float32, or as bfloat16 (the upper half of a float32) in a Uint16Array. */
export type Storage = Float32Array | Uint16Array;

/** What ParameterSet.pack made of a matrix. */
export interface PackedParameter {
  readonly weight: PackedWeight;
  readonly format: WeightFormat;
  readonly gated: boolean;
}

export class Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  /** Leaves (made by `tensor` or a ParameterSet) set this to receive a gradient from `backward`. */
  requiresGradient: boolean;
  /** The matrix laid out ahead of time for `linear`; ParameterSet.pack sets it. */
  packed: PackedParameter | null = null;
  /** For the tape: how many recorded operations take the tensor as an input, and whether its maker rounds its gradient. */
  consumers = 0;
  roundsGradient = false;
  /** For the tape: how many running operations use the values, which must stay where they are that long. */
  users = 0;
  #values: Storage | null;
  #gradient: Float32Array | null = null;
  #owesZeros = false;
  #widened: Float32Array | null = null;
  readonly #home: TensorHome | null;
  readonly #compute: (() => Storage) | null;

  /** @param compute makes the values when they are read and not there: `values` may be null then, or be dropped later */
  constructor(
    values: Storage | null,
    shape: readonly number[],
    requiresGradient: boolean,
    home: TensorHome | null,
    compute: (() => Storage) | null = null,
  ) {
    this.shape = shape;
    this.size = elementCount(shape);
    this.requiresGradient = requiresGradient;
    this.#values = values;
    this.#home = home;
    this.#compute = compute;
  }

  /** True for constants and parameters, which outlive scopes; false for what an operation made. */
  get isLeaf(): boolean {
    return this.#home === null;
  }

  /**
   * d loss / d tensor, same layout as `data`. `backward` adds into the gradients of leaves; gradients of
   * intermediate tensors live only while `backward` runs and are null before and after.
   */
  get gradient(): Float32Array | null {
    if (this.#owesZeros) this.takeZeros()!.fill(0);
    return this.#gradient;
  }

  set gradient(gradient: Float32Array | null) {
    this.#gradient = gradient;
    this.#owesZeros = false;
  }

  /** Makes the gradient zeros, which are not written before somebody reads them: what comes first takes their place. */
  zeroGradient(): void {
    this.#owesZeros = this.#gradient !== null;
  }

  /** For the tape: the gradient, to be overwritten, if it is zeros that nobody has written; null otherwise. */
  takeZeros(): Float32Array | null {
    if (!this.#owesZeros) return null;
    this.#owesZeros = false;
    return this.#gradient;
  }

  /**
   * The values, row by row; those stored as bfloat16 are widened once, into a copy to read only. Throws after the
   * scope that made the tensor has returned: its memory is in use again.
   */
  get data(): Float32Array {
    const values = this.stored;
    if (values instanceof Float32Array) return values;
    this.#widened ??= widen(values);
    return this.#widened;
  }

  /** The values as operations see them: see Operation.roundedWhenRecorded in tape.ts. */
  get stored(): Storage {
    if (this.#home !== null && !this.#home.alive) {
      throw new Error(
        `This tensor of shape ${formatShape(this.shape)} belongs to a scope that has returned; ` +
          'copy what you need (tensor.data.slice()) before the scope ends.',
      );
    }
    return this.compute();
  }

  /** The values, which are computed first if they are not there; unlike `stored` not bound to the scope if they are. */
  compute(): Storage {
    this.#values ??= this.#compute!();
    return this.#values;
  }

  /** For the tape: sets values that were computed elsewhere. */
  hold(values: Storage): void {
    this.#values = values;
  }

  /** For the tape: forgets the values; they are computed again when they are read. */
  drop(): void {
    this.#values = null;
  }
}

/**
 * A constant outside the arena: it lives as long as it is referenced. A Float32Array is wrapped, not copied.
 * Set `requiresGradient` on it to make it a leaf.
 */
export function tensor(data: Float32Array | readonly number[], shape: readonly number[]): Tensor {
  const values = data instanceof Float32Array ? data : Float32Array.from(data);
  if (shape.some((extent) => !Number.isInteger(extent) || extent < 0)) {
    throw new RangeError(`tensor: shape ${formatShape(shape)} must hold whole numbers that are not negative.`);
  }
  if (values.length !== elementCount(shape)) {
    throw new RangeError(
      `tensor: ${values.length} values do not fill shape ${formatShape(shape)}, which holds ${elementCount(shape)}.`,
    );
  }
  return new Tensor(values, [...shape], false, null);
}

function widen(values: Uint16Array): Float32Array {
  const bits = Uint32Array.from(values, (half) => half << 16);
  return new Float32Array(bits.buffer);
}

export function elementCount(shape: readonly number[]): number {
  let product = 1;
  for (const extent of shape) product *= extent;
  return product;
}

/** `[16, 384]`, as error messages show shapes. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
