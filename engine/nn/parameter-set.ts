/**
 * All parameters of a model in one flat array, their gradients in another. The optimizer, the gradient norm and a
 * checkpoint are then one pass over contiguous memory, and a parameter is a view.
 */
import { native, precision, type WeightFormat } from '../native/addon.ts';
import { elementCount, formatShape, Tensor } from '../tensor.ts';

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether AdamW's weight decay applies: matrices yes, norm gains no. */
  readonly decay: boolean;
  /** Whether the rows of a matrix are gates and then as many that they gate, which `normedSwiglu` alone multiplies. */
  readonly gated?: boolean;
}

export class ParameterSet {
  /** Parameters in the order of `specs`, each row-major, without gaps. */
  readonly values: Float32Array;
  readonly specs: readonly ParameterSpec[];
  /** Number of values of all parameters. */
  readonly count: number;
  readonly #gradients: Float32Array;
  readonly #tensors = new Map<string, Tensor>();
  /** The format that all matrices are laid out in. Each step of generation asks for it, so that must be free. */
  #layout: { readonly format: WeightFormat | null } = { format: null };

  /** All values start at zero; initialise or load them through `get(name).data`. */
  constructor(specs: readonly ParameterSpec[]) {
    this.specs = specs.map((spec) => ({ ...spec, shape: [...spec.shape] }));
    this.count = specs.reduce((total, spec) => total + elementCount(spec.shape), 0);
    this.values = new Float32Array(this.count);
    this.#gradients = new Float32Array(this.count);
    let offset = 0;
    for (const { name, shape } of this.specs) {
      if (this.#tensors.has(name)) throw new RangeError(`ParameterSet: two parameters are named '${name}'.`);
      const end = offset + elementCount(shape);
      if (!Number.isSafeInteger(end)) {
        throw new RangeError(`ParameterSet: '${name}' has the impossible shape ${formatShape(shape)}.`);
      }
      const parameter = new Tensor(this.values.subarray(offset, end), shape, true, null);
      parameter.gradient = this.#gradients.subarray(offset, end);
      this.#tensors.set(name, parameter);
      offset = end;
    }
  }

  /** The parameter as a leaf whose `data` and `gradient` are views into the flat arrays. */
  get(name: string): Tensor {
    const parameter = this.#tensors.get(name);
    if (parameter === undefined) {
      throw new RangeError(`ParameterSet: there is no '${name}'; known are ${[...this.#tensors.keys()].join(', ')}.`);
    }
    return parameter;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /** All gradients, in the order of `values`. Read it anew after `zeroGradients` and `backward`. */
  get gradients(): Float32Array {
    for (const parameter of this.#tensors.values()) parameter.takeZeros()?.fill(0);
    return this.#gradients;
  }

  zeroGradients(): void {
    for (const parameter of this.#tensors.values()) parameter.zeroGradient();
  }

  /**
   * Lays all matrices out for `linear` and `normedSwiglu` once, where nothing is recorded: with few rows, as in generation, that is
   * several times faster. Does nothing if it is done already. An optimizer step ends it; whoever changes values
   * otherwise must call `unpack`.
   *
   * @param format 'f32' or 'bf16': results have the same bits, if that is the precision of the product; takes the
   *   parameters' memory again, or half of it. 'int8': a quarter, and twice the speed of 'bf16' at a small loss of
   *   quality: weights are rounded to 8 bits with one scale per output, inputs with one scale per row, after a
   *   rotation that leaves products as they are and shares large numbers out.
   * @param fewRows whether products have at most eight rows, mostly: then 'bf16' takes 12 bits a number, without loss,
   *   and is 1.2 to 1.4 times as fast, as memory decides; with more rows it would take 5 to 10 % longer. Processors
   *   without products of bf16 take 16 bits then instead of 32
   */
  pack(format: WeightFormat = precision(), fewRows = false): void {
    if (this.#layout.format === format) return;
    this.#layout = { format: null }; // as it stays if memory runs out on the way
    for (const { name, gated = false } of this.specs) {
      const parameter = this.get(name);
      const [rows, columns] = parameter.shape;
      if (parameter.shape.length !== 2) continue;
      const weight = gated
        ? native().packGatedWeight(parameter.data, format, fewRows, columns!, rows! / 2)
        : native().packWeight(parameter.data, format, fewRows, columns!, rows!);
      parameter.packed = { weight, format, gated };
    }
    this.#layout = { format };
  }

  /** Stands for how the parameters lie in memory now: another object after `pack` or `unpack` changed it. */
  get layout(): object {
    return this.#layout;
  }

  /** Bytes of what `pack` laid out. */
  get packedBytes(): number {
    let bytes = 0;
    for (const { packed } of this.#tensors.values()) if (packed !== null) bytes += native().packedBytes(packed.weight);
    return bytes;
  }

  /** Forgets what `pack` did: the values have changed, or its memory is wanted. */
  unpack(): void {
    for (const parameter of this.#tensors.values()) parameter.packed = null;
    this.#layout = { format: null };
  }
}
