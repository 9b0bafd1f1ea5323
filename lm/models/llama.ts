/**
 * The decoder Transformer: Llama's architecture (Touvron et al. 2023), from token ids to the hidden state whose
 * product with the embedding gives the logits.
 *
 *     ids ─ embedding ─┬──────────────────────────────┬─ + ─┬────────────────────────┬─ + ─ … ─ norm ─ hidden
 *                      └ norm ─ qkv ─ attention ─ out ┘     └ norm ─ gate|up ─ swiglu ─ down ┘
 *
 * Pre-normalisation with RMSNorm (Zhang and Sennrich 2019), rotary positions (Su et al. 2021, Hugging Face's
 * rotate-half layout), grouped-query attention (Ainslie et al. 2023), SwiGLU (Shazeer 2020).
 *
 * N = batch × length rows throughout; row b × length + t is token t of sequence b. Parameters carry Hugging Face's
 * names, except that the three attention projections and the two SwiGLU projections are stored as one matrix each
 * (rows q|k|v and gate|up), so that each pair of layers reads its input once. lm/checkpoint splits them on disk.
 */
import type { ModelConfig } from '@parley/contracts';
import {
  attention,
  cachedAttention,
  checkpoint,
  crossEntropy,
  embedding,
  fillConstant,
  fillNormal,
  type KeyValueCache,
  linear,
  normedLinear,
  normedSwiglu,
  ParameterSet,
  type Random,
  rmsNorm,
  type Tensor,
  tensor,
  tokenLogProbabilities,
} from '@parley/engine';

/** How a batch is laid out: `batch` sequences of `length` tokens, one after the other. */
export interface BatchLayout {
  batch: number;
  length: number;
  /** For packed documents: the first position in its row that each of the N tokens may attend to; default 0. */
  starts?: Int32Array;
}

interface Block {
  attentionNorm: Tensor;
  qkv: Tensor;
  attentionOutput: Tensor;
  feedForwardNorm: Tensor;
  gateUp: Tensor;
  down: Tensor;
}

/** A model that scores texts instead of continuing them, under Hugging Face's name for one. */
const scoringArchitecture = 'LlamaForSequenceClassification';

const bytesPerBf16 = 2;

/** Which outputs of a block `backward` computes again; by default none. */
interface Recomputed {
  gateUp?: { recomputed: boolean };
  gated?: { recomputed: boolean };
  normed?: { recomputed: boolean };
}

/** What mixes positions in a block: attention over a batch, or over the cache. [N, (H+2G)·d] → [N, H·d]. */
type Mixer = (qkv: Tensor, layer: number) => Tensor;

export class Llama {
  readonly config: ModelConfig;
  readonly parameters: ParameterSet;
  /**
   * Whether training keeps only each block's input and computes the rest of the block again for the gradients: the same
   * bits, about a quarter slower, and one block's activations instead of all blocks'.
   */
  activationCheckpointing = false;
  /**
   * Training in 'bf16' keeps for the gradients, in this order, the gate and up projections of all blocks, SwiGLU's
   * outputs, and normed inputs, as far as they take at most so many bytes together. What comes after that is computed
   * again: the same bits, but a twelfth, a sixtieth, and hardly anything slower.
   */
  mostKept = 160 * 2 ** 20;
  readonly #embedding: Tensor;
  readonly #blocks: Block[];
  readonly #finalNorm: Tensor;
  /** The output matrix [vocabulary, width]: the embedding itself when tied; null in a model that scores. */
  readonly #head: Tensor | null;
  /** The scalar head [1, width] of a model that scores. */
  readonly #score: Tensor | null;

  /**
   * @param random draws the initial weights: normal with deviation `initializer_range`, the two projections that
   *   write into the residual stream scaled down by √(2 × layers) (GPT-2). Absent: zeros, to be loaded over.
   * @throws RangeError when the heads do not fit together
   */
  constructor(config: ModelConfig, random?: Random) {
    checkHeads(config);
    this.config = config;
    this.parameters = new ParameterSet(parameterSpecs(config));
    const get = (name: string) => this.parameters.get(name);
    this.#embedding = get('model.embed_tokens.weight');
    this.#finalNorm = get('model.norm.weight');
    const scores = scoresTexts(config);
    this.#score = scores ? get('score.weight') : null;
    this.#head = scores ? null : config.tie_word_embeddings ? this.#embedding : get('lm_head.weight');
    this.#blocks = Array.from({ length: config.num_hidden_layers }, (_, layer) => ({
      attentionNorm: get(`model.layers.${layer}.input_layernorm.weight`),
      qkv: get(`model.layers.${layer}.self_attn.qkv_proj.weight`),
      attentionOutput: get(`model.layers.${layer}.self_attn.o_proj.weight`),
      feedForwardNorm: get(`model.layers.${layer}.post_attention_layernorm.weight`),
      gateUp: get(`model.layers.${layer}.mlp.gate_up_proj.weight`),
      down: get(`model.layers.${layer}.mlp.down_proj.weight`),
    }));
    if (random) initialise(this.parameters, config, random);
  }

  /** Hidden states [N, width] of whole sequences, for training and scoring. `ids` holds N token ids. */
  hidden(ids: Int32Array, { batch, length, starts }: BatchLayout): Tensor {
    const { max_position_embeddings: context } = this.config;
    if (length > context)
      throw new RangeError(`Sequences of ${length} tokens exceed the model's context of ${context}.`);
    const shape = { ...attentionShape(this.config), batch, length, starts };
    return this.#decode(ids, (qkv) => attention(qkv, shape), this.#whatToRecompute(batch * length));
  }

  #whatToRecompute(rows: number): Recomputed {
    const { hidden_size: width, intermediate_size: inner } = this.config;
    const bytesPerColumn = this.#blocks.length * rows * bytesPerBf16;
    const upTo = (columns: number) => ({ recomputed: columns * bytesPerColumn > this.mostKept });
    return { gateUp: upTo(2 * inner), gated: upTo(3 * inner), normed: upTo(3 * inner + 2 * width) };
  }

  /**
   * Next-token loss: sum of negative log-probabilities / normalizer (default: the number of counted targets).
   * @param targets N ids, target of row i is the token after it; -1 where no loss is taken
   * @param entropies whether the entropies of the predicted distributions are wanted
   * @returns the scalar loss and, per row, the log-probability of its target and the entropy (0 where ignored)
   */
  loss(
    ids: Int32Array,
    targets: Int32Array,
    { normalizer, entropies, ...layout }: BatchLayout & { normalizer?: number; entropies?: boolean },
  ): { loss: Tensor; logProbabilities: Float32Array; entropies: Float32Array | null } {
    return crossEntropy(this.hidden(ids, layout), this.#languageHead(), targets, { normalizer, entropies });
  }

  /**
   * The log-probability of one next token for each of M hidden states.
   * @param hidden [M, width], e.g. those rows of `hidden()` after which an answer's tokens come
   * @param next [M] token ids
   * @param entropies [M], filled with the entropies of the distributions they are drawn from, if given
   * @returns [M] in nats
   */
  logProbabilities(hidden: Tensor, next: Int32Array, entropies?: Float32Array): Tensor {
    return tokenLogProbabilities(hidden, this.#languageHead(), next, entropies);
  }

  /**
   * The scalar head of a reward model or critic: the product with its one row, less the configuration's
   * `reward_offset`, which puts the mean over demonstrations at 0 (Ouyang et al. 2022, section 3.5).
   * @param hidden [M, width]
   * @returns [M, 1]
   */
  scores(hidden: Tensor): Tensor {
    if (this.#score === null) {
      throw new TypeError('This model continues texts and has no scalar head; make a scorer of it with toScorer().');
    }
    const rows = hidden.shape[0]!;
    const offset = tensor(new Float32Array(rows).fill(-(this.config.reward_offset ?? 0)), [rows, 1]);
    return linear(hidden, this.#score, offset);
  }

  /**
   * Hidden states [N, width] of N new tokens that attend to what the cache holds of their slots; writes their keys
   * and values into it. Rows of one slot come in increasing position.
   */
  forwardCached(ids: Int32Array, cache: KeyValueCache, slots: Int32Array, positions: Int32Array): Tensor {
    const shape = attentionShape(this.config);
    return this.#decode(ids, (qkv, layer) => cachedAttention(qkv, cache, layer, slots, positions, shape));
  }

  /** Logits [N, vocabulary] of hidden states [N, width]. */
  logits(hidden: Tensor): Tensor {
    return linear(hidden, this.#languageHead());
  }

  #languageHead(): Tensor {
    if (this.#head !== null) return this.#head;
    throw new TypeError('This model scores texts and cannot continue them; load the model that it was made from.');
  }

  #decode(ids: Int32Array, mix: Mixer, recomputed: Recomputed = {}): Tensor {
    const epsilon = this.config.rms_norm_eps;
    let stream = embedding(ids, this.#embedding);
    for (const [layer, block] of this.#blocks.entries()) {
      stream = this.activationCheckpointing
        ? checkpoint((input) => decodeBlock(block, input, mix, layer, epsilon, recomputed), stream)
        : decodeBlock(block, stream, mix, layer, epsilon, recomputed);
    }
    return rmsNorm(stream, this.#finalNorm, epsilon, recomputed.normed);
  }
}

function decodeBlock(
  block: Block,
  stream: Tensor,
  mix: Mixer,
  layer: number,
  epsilon: number,
  { gateUp, gated, normed }: Recomputed,
): Tensor {
  const mixed = mix(normedLinear(stream, block.attentionNorm, block.qkv, epsilon, { normed }), layer);
  const middle = linear(mixed, block.attentionOutput, stream);
  const recomputed = { normed, product: gateUp, gated };
  const activated = normedSwiglu(middle, block.feedForwardNorm, block.gateUp, epsilon, recomputed);
  return linear(activated, block.down, middle);
}

/** Whether a configuration is of a model that scores texts: a reward model or a critic. */
export const scoresTexts = (config: ModelConfig): boolean => config.architectures[0] === scoringArchitecture;

/**
 * A copy of a language model with a scalar head in place of the output matrix: the beginning of a reward model. A
 * model that has such a head already is copied with it.
 * @param random draws the head from N(0, 1 / (width + 1)) (Stiennon et al. 2020)
 */
export function toScorer(model: Llama, random: Random): Llama {
  const { config } = model;
  const scorer = new Llama({
    ...config,
    architectures: [scoringArchitecture],
    num_labels: 1,
    tie_word_embeddings: true,
  });
  for (const { name } of scorer.parameters.specs) {
    const to = scorer.parameters.get(name);
    if (model.parameters.has(name)) to.data.set(model.parameters.get(name).data);
    else fillNormal(to, random, 1 / Math.sqrt(config.hidden_size + 1));
  }
  return scorer;
}

/** A copy with values of its own. */
export function cloneModel(model: Llama): Llama {
  const copy = new Llama(model.config);
  copy.parameters.values.set(model.parameters.values);
  return copy;
}

/** Trainable values of a model of this shape; tied embeddings count once. */
export function countParameters(config: ModelConfig): number {
  return parameterSpecs(config).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

function attentionShape(config: ModelConfig) {
  return {
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    ropeTheta: config.rope_theta,
  };
}

/** Every parameter in the order of the forward pass. Weight decay is for matrices, not for norms (as in GPT-3). */
function parameterSpecs(config: ModelConfig): { name: string; shape: number[]; decay: boolean }[] {
  const { vocab_size: vocabulary, hidden_size: width, intermediate_size: inner, head_dim: headDim } = config;
  const queryWidth = config.num_attention_heads * headDim;
  const keyValueWidth = config.num_key_value_heads * headDim;
  const matrix = (name: string, rows: number, columns: number) => ({ name, shape: [rows, columns], decay: true });
  const norm = (name: string) => ({ name, shape: [width], decay: false });

  const blocks = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const prefix = `model.layers.${layer}`;
    return [
      norm(`${prefix}.input_layernorm.weight`),
      matrix(`${prefix}.self_attn.qkv_proj.weight`, queryWidth + 2 * keyValueWidth, width),
      matrix(`${prefix}.self_attn.o_proj.weight`, width, queryWidth),
      norm(`${prefix}.post_attention_layernorm.weight`),
      { ...matrix(`${prefix}.mlp.gate_up_proj.weight`, 2 * inner, width), gated: true },
      matrix(`${prefix}.mlp.down_proj.weight`, width, inner),
    ];
  });
  return [
    matrix('model.embed_tokens.weight', vocabulary, width),
    ...blocks.flat(),
    norm('model.norm.weight'),
    ...(scoresTexts(config) ? [matrix('score.weight', 1, width)] : []),
    ...(config.tie_word_embeddings ? [] : [matrix('lm_head.weight', vocabulary, width)]),
  ];
}

function initialise(parameters: ParameterSet, config: ModelConfig, random: Random): void {
  const residualScale = 1 / Math.sqrt(2 * config.num_hidden_layers);
  for (const { name } of parameters.specs) {
    const writesResidual = name.endsWith('o_proj.weight') || name.endsWith('down_proj.weight');
    if (name.endsWith('norm.weight')) fillConstant(parameters.get(name), 1);
    else fillNormal(parameters.get(name), random, config.initializer_range * (writesResidual ? residualScale : 1));
  }
}

function checkHeads({
  num_attention_heads: heads,
  num_key_value_heads: keyValueHeads,
  head_dim: headDim,
}: ModelConfig): void {
  if (heads % keyValueHeads !== 0) {
    throw new RangeError(
      `${keyValueHeads} key/value heads do not divide ${heads} query heads; choose a divisor of ${heads}.`,
    );
  }
  if (headDim % 2 !== 0) {
    throw new RangeError(
      `Rotary embedding needs an even head width, not ${headDim}; change the width or the number of heads.`,
    );
  }
}
