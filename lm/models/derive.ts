/**
 * One dial: the number of layers. Everything else follows from it unless it is set explicitly, and each derivation
 * is a sentence that says what was chosen and on whose authority, for a recipe to print.
 */
import { type ModelConfig, modelConfigSchema } from '@parley/contracts';
import { countParameters } from './llama.ts';

/** Zero means: derive it. */
export interface Architecture {
  /** Layers. */
  depth: number;
  width: number;
  heads: number;
  keyValueHeads: number;
  intermediate: number;
  /** Tokens. */
  context: number;
}

/** The width per layer and per head: wide enough to be worth a matrix product, narrow enough to stack. */
const widthPerLayer = 64;
const headWidth = 64;

/**
 * The model's configuration for a given depth and vocabulary.
 * @returns the configuration, its number of trainable values, and one sentence per derivation
 * @throws RangeError when explicit values do not fit together
 */
export function deriveArchitecture(
  architecture: Architecture,
  vocabulary: number,
): { config: ModelConfig; parameters: number; explanations: string[] } {
  const { depth, context } = architecture;
  const explanations: string[] = [];
  const derive = (given: number, value: () => number, explain: (value: number) => string): number => {
    if (given > 0) return given;
    explanations.push(explain(value()));
    return value();
  };

  const width = derive(
    architecture.width,
    () => depth * widthPerLayer,
    (value) => `width ${value} = ${depth} layers × ${widthPerLayer} (the aspect ratio of nanochat's depth dial)`,
  );
  const heads = derive(
    architecture.heads,
    () => Math.max(1, Math.round(width / headWidth)),
    (value) => `${value} query heads = width ${width} / ${headWidth} (GPT-2's and Llama 3.2 1B's head width)`,
  );
  if (width % heads !== 0 || (width / heads) % 2 !== 0) {
    throw new RangeError(
      `${heads} heads do not split a width of ${width} into even parts; choose heads so that width / heads is a whole even number.`,
    );
  }
  const keyValueHeads = derive(
    architecture.keyValueHeads,
    () => (heads % 2 === 0 ? heads / 2 : heads),
    (value) =>
      value === heads
        ? `${value} key/value heads: ${heads} query heads cannot be paired`
        : `${value} key/value heads: two query heads share one, half the cache (grouped-query attention, Ainslie et al. 2023)`,
  );
  if (heads % keyValueHeads !== 0) {
    throw new RangeError(
      `${keyValueHeads} key/value heads do not divide ${heads} query heads; choose a divisor of ${heads}.`,
    );
  }
  const intermediate = derive(
    architecture.intermediate,
    () => Math.ceil((8 * width) / 3 / 64) * 64,
    (value) =>
      `SwiGLU width ${value} = 8/3 × ${width} rounded up to 64 (as many weights as a 4× layer without gate, Shazeer 2020)`,
  );

  const config = modelConfigSchema.parse({
    vocab_size: vocabulary,
    hidden_size: width,
    intermediate_size: intermediate,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: width / heads,
    max_position_embeddings: context,
    tie_word_embeddings: true,
  });
  const parameters = countParameters(config);
  explanations.push(
    `${formatCount(parameters)} parameters, ${formatCount(vocabulary * width)} of them in the embedding, which is tied to the output (Press and Wolf 2017)`,
  );
  return { config, parameters, explanations };
}

/** What a run is to be trained with; zero or absent means: derive it. */
export interface TrainingRequest {
  parameters: number;
  /** Tokens per sequence. */
  context: number;
  /** Sequences per optimizer step. */
  batch?: number;
  /** Peak learning rate. */
  learningRate?: number;
  /** Optimizer steps. */
  steps?: number;
}

/**
 * Batch, learning rate and steps for a model of a given size.
 *
 * Tokens: 20 per parameter (Hoffmann et al. 2022). Batch and learning rate: the fits of DeepSeek LLM (2024, section
 * 3.1) over compute C = 6 × parameters × tokens: batch = 0.2920 C^0.3271 tokens, rate = 0.3118 C^-0.1250. A batch
 * of another size than the fitted one scales the rate by the square root of their ratio (Adam's noise scale, Malladi
 * et al. 2022).
 */
export function deriveTraining({ parameters, context, ...given }: TrainingRequest): {
  batch: number;
  learningRate: number;
  steps: number;
  /** Training tokens in all. */
  tokens: number;
  explanations: string[];
} {
  const explanations: string[] = [];
  const budget = 20 * parameters;
  const compute = 6 * parameters * budget;
  const fittedBatchTokens = 0.292 * compute ** 0.3271;

  let batch = given.batch || 0;
  if (!batch) {
    batch = Math.max(1, Math.round(fittedBatchTokens / context));
    explanations.push(
      `batch ${batch} sequences of ${context} tokens ≈ ${formatCount(fittedBatchTokens)} tokens (0.2920 C^0.3271 at C = ${compute.toExponential(1)} operations, DeepSeek LLM 2024)`,
    );
  }
  let learningRate = given.learningRate || 0;
  if (!learningRate) {
    const fitted = 0.3118 * compute ** -0.125;
    const ratio = (batch * context) / fittedBatchTokens;
    learningRate = Number((fitted * Math.sqrt(Math.min(1, ratio))).toPrecision(2));
    explanations.push(
      `learning rate ${learningRate} = ${fitted.toPrecision(2)} (0.3118 C^-0.1250, DeepSeek LLM 2024)` +
        (ratio < 0.99 ? ` × √${ratio.toPrecision(2)} for the smaller batch (Malladi et al. 2022)` : ''),
    );
  }
  let steps = given.steps || 0;
  if (!steps) {
    steps = Math.max(1, Math.round(budget / (batch * context)));
    explanations.push(
      `${steps} steps = ${formatCount(budget)} tokens, 20 per parameter (Hoffmann et al. 2022), in batches of ${formatCount(batch * context)}`,
    );
  }
  return { batch, learningRate, steps, tokens: steps * batch * context, explanations };
}

function formatCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)} million`;
  return count >= 1e4 ? `${(count / 1e3).toFixed(1)} thousand` : `${Math.round(count)}`;
}
