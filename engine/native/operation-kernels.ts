type MaybeArray = Float32Array | null;
/** float32, or bfloat16 in a Uint16Array. */
type AnyArray = Float32Array | Uint16Array;

/** The kernels behind the operations, as the files in kernels/ define them. Gradients named d… belong to the loss. */
export interface OperationKernels {
  // kernels/norm.cc
  /** `inverse` [rows] receives 1 / root mean square of each row. */
  rmsNormForward(x: Float32Array, weight: Float32Array, y: AnyArray, inverse: MaybeArray, epsilon: number): void;
  rmsNormBackward(
    x: Float32Array,
    weight: Float32Array,
    inverse: Float32Array,
    dy: AnyArray,
    dx: MaybeArray,
    addDx: boolean,
    dweight: MaybeArray,
    addDweight: boolean,
  ): void;

  // kernels/swiglu.cc
  swigluForward(gateUp: AnyArray, y: AnyArray, rows: number): void;
  /** Adds to a float32 dgateUp only. */
  swigluBackward(gateUp: AnyArray, dy: AnyArray, dgateUp: AnyArray, add: boolean, rows: number): void;

  // kernels/embedding.cc
  embeddingForward(weight: Float32Array, ids: Int32Array, y: Float32Array): void;
  /** Adds into dweight. */
  embeddingBackward(ids: Int32Array, dy: Float32Array, dweight: Float32Array): void;

  // kernels/attention.cc
  attentionForward(
    qkv: AnyArray,
    rotary: Float32Array,
    starts: Int32Array | null,
    output: AnyArray,
    logSumExp: Float32Array,
    batch: number,
    length: number,
    heads: number,
    keyValueHeads: number,
    headDim: number,
  ): void;
  /** Adds to a float32 dqkv only. */
  attentionBackward(
    qkv: AnyArray,
    rotary: Float32Array,
    starts: Int32Array | null,
    output: AnyArray,
    logSumExp: Float32Array,
    doutput: AnyArray,
    dqkv: AnyArray,
    add: boolean,
    batch: number,
    length: number,
    heads: number,
    keyValueHeads: number,
    headDim: number,
  ): void;

  // kernels/cached-attention.cc
  /** `pages` is one layer of the cache, `table` [slot, page of the sequence]; see the file for their layout. */
  cachedAttention(
    qkv: AnyArray,
    rotary: Float32Array,
    pages: Int32Array,
    table: Int32Array,
    slots: Int32Array,
    positions: Int32Array,
    output: Float32Array,
    heads: number,
    keyValueHeads: number,
    headDim: number,
    pagesPerSlot: number,
    format: 'f32' | 'bf16' | 'int8',
  ): void;

  // kernels/sampling.cc; see ops/token-sampler.ts
  sampleTokens(
    logits: Float32Array,
    rows: number,
    vocabulary: number,
    settings: Float64Array,
    history: Int32Array,
    histories: Int32Array,
    uniforms: Float64Array,
    alternatives: Int32Array,
    mostAlternatives: number,
    ids: Int32Array,
    scores: Float64Array,
    bestIds: Int32Array,
    bestScores: Float64Array,
  ): void;

  // kernels/loss.cc
  /**
   * The sum of negative log-probabilities; gradients are those of `scale` times the sum, weighted by row if asked, and
   * overwrite what they are given, or add to it.
   * Entropies are in nats.
   */
  crossEntropyWorkspace(rows: number, vocabulary: number, width: number, hiddenGradient: boolean): number;
  crossEntropy(
    hidden: AnyArray,
    weight: Float32Array,
    targets: Int32Array,
    rowWeights: MaybeArray,
    logProbabilities: Float32Array,
    entropies: MaybeArray,
    dhidden: MaybeArray,
    addDhidden: boolean,
    dweight: MaybeArray,
    addDweight: boolean,
    workspace: Float32Array,
    width: number,
    scale: number,
  ): number;

  // kernels/adamw.cc
  /**
   * One step over values[from .. to). The corrected figures hold the bias corrections; see AdamW. Both moments are of
   * one type; in bfloat16 the step's number, from 1, decides with the element's index how the second is rounded.
   */
  adamw(
    values: Float32Array,
    gradients: Float32Array,
    firstMoment: AnyArray,
    secondMoment: AnyArray,
    from: number,
    to: number,
    stepNumber: number,
    clipFactor: number,
    beta1: number,
    beta2: number,
    correctedRate: number,
    inverseRoot: number,
    epsilon: number,
    shrink: number,
  ): void;

  // kernels/elementwise.cc
  add(a: Float32Array, b: Float32Array, y: Float32Array): void;
  multiply(a: Float32Array, b: Float32Array, y: Float32Array, accumulate: boolean): void;
  scale(a: Float32Array, factor: number, y: Float32Array, accumulate: boolean): void;
  sum(a: Float32Array): number;
  sumOfSquares(a: Float32Array): number;
}
