/**
 * Speed of generation: how fast a prompt is read and how fast a batch of answers grows, at a known model's dimensions
 * with random weights.
 *
 * Measured is what serves: requests to the Generator, whose tokens are drawn at temperature 1. A decoding step reads
 * every weight once and the keys and values of all sequences. With few sequences that is its limit, so the share of
 * the read bandwidth measured in the same minute says how close a step comes to it; with many, arithmetic is.
 */

import { modelConfigSchema } from '@parley/contracts';
import {
  type CacheFormat,
  cpuFeatures,
  KeyValueCache,
  measureBandwidth,
  Random,
  setPrecision,
  threads,
  type WeightFormat,
} from '@parley/engine';
import { Generator } from '@parley/lm/generate';
import { Llama } from '@parley/lm/models';
import { characterTokenizer, type Tokenizer } from '@parley/lm/tokenizer';

/** Dimensions of models that everybody knows; embeddings are tied. */
export const decodeSizes = {
  'smollm2-135m': {
    vocab_size: 49_152,
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    max_position_embeddings: 8192,
    rope_theta: 100_000,
  },
  /** What `parley loop --preset quick` makes. */
  quick: {
    vocab_size: 4096,
    hidden_size: 192,
    intermediate_size: 512,
    num_hidden_layers: 4,
    num_attention_heads: 3,
    num_key_value_heads: 3,
    head_dim: 64,
    max_position_embeddings: 256,
    rope_theta: 10_000,
  },
};

const warmUpMilliseconds = 1000;

export interface DecodeOptions {
  /** Dimensions, for a model with random weights; or a model, endless(), so that all answers outlast the measurement. */
  size: keyof typeof decodeSizes | Llama;
  /** Requests at the same time. */
  batch: number;
  /** Tokens of each prompt. */
  prompt: number;
  weights: Exclude<WeightFormat, 'f32'>;
  cache: CacheFormat;
  /** Tokens of each answer that are timed; default 32. */
  tokens?: number;
}

export interface DecodeBenchmark {
  /** Of all answers together, once every prompt has been read. */
  tokensPerSecond: number;
  millisecondsPerStep: number;
  /** From a request on an idle machine to its first token: the prompt's reading time. Median of three. */
  timeToFirstTokenMs: number;
  promptTokensPerSecond: number;
  /** Weights, and keys and values in the middle of the timed steps, per step. */
  gigabytesPerStep: number;
  /** GB/s, all threads. */
  bandwidth: number;
  shareOfBandwidth: number;
  /** The same if weights were read at the width of their format, 16 bits for bf16, which Parley may keep in 12. */
  shareOfFullWidth: number;
  batch: number;
  prompt: number;
  weights: WeightFormat;
  cache: CacheFormat;
  threads: number;
  cpu: string;
}

export async function benchDecode(options: DecodeOptions): Promise<DecodeBenchmark> {
  const { batch, prompt, weights, cache, tokens = 32 } = options;
  setPrecision('bf16');
  const random = new Random(1);
  const model = typeof options.size === 'string' ? randomModel(options.size, random) : options.size;
  const { config } = model;
  const tokenizer = endlessTokenizer(config.vocab_size);
  // While the last prompts are read the first answers grow already; all have to outlast that.
  const headStart = Math.ceil((batch * prompt) / 128) + 2;
  const context = Math.min(prompt + headStart + tokens + 2, config.max_position_embeddings);
  const generator = new Generator(model, tokenizer, { slots: batch, context, weights, cache });
  const enough = new AbortController();
  const ask = (maxTokens: number, onToken?: () => void) =>
    generator.generate({
      prompt: Array.from({ length: prompt }, () => random.integer(config.vocab_size)),
      sampling: { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, maxTokens, stop: [], seed: 1 },
      onToken,
      signal: enough.signal,
    });

  await ask(2); // packs the weights, takes memory from the system
  // A server is warm: V8 compiles what a step runs within its first thousands of operations.
  for (const start = performance.now(); performance.now() - start < warmUpMilliseconds; ) await ask(tokens);
  const first: number[] = [];
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    await ask(1);
    first.push(performance.now() - start);
  }
  const bandwidthBefore = measureBandwidth();

  let waiting = batch;
  let ahead = 0;
  const made = new Int32Array(batch);
  const stamps: number[] = [];
  await Promise.all(
    Array.from({ length: batch }, (_, index) =>
      ask(headStart + tokens, () => {
        if (made[index]!++ === 0 && --waiting === 0) ahead = made.reduce((sum, count) => sum + count, 0) / batch;
        // The first answer's tokens mark the steps; from the one after all have begun, every row decodes.
        if (index === 0 && waiting === 0) stamps.push(performance.now());
        if (stamps.length > tokens + 1) enough.abort();
      }),
    ),
  );
  const steps = stamps.slice(2).map((stamp, index) => stamp - stamps[index + 1]!);
  const millisecondsPerStep = median(steps);
  const timeToFirstTokenMs = median(first);
  const cacheBytes = cacheBytesPerStep(model, options, prompt + ahead + tokens / 2);
  const gigabytesPerStep = (model.parameters.packedBytes + cacheBytes) / 1e9;
  const gigabytesAtFullWidth = (fullWidthBytes(model, weights) + cacheBytes) / 1e9;
  const bandwidth = Math.max(bandwidthBefore, measureBandwidth());
  return {
    tokensPerSecond: (batch / millisecondsPerStep) * 1000,
    millisecondsPerStep,
    timeToFirstTokenMs,
    promptTokensPerSecond: (prompt / timeToFirstTokenMs) * 1000,
    gigabytesPerStep,
    bandwidth,
    shareOfBandwidth: (gigabytesPerStep / millisecondsPerStep) * (1000 / bandwidth),
    shareOfFullWidth: (gigabytesAtFullWidth / millisecondsPerStep) * (1000 / bandwidth),
    batch,
    prompt,
    weights,
    cache,
    threads: threads(),
    cpu: cpuFeatures(),
  };
}

/** A model of known dimensions, endless. */
export function randomModel(size: keyof typeof decodeSizes, random: Random): Llama {
  const model = new Llama(modelConfigSchema.parse({ ...decodeSizes[size], eos_token_id: null }));
  const { values, specs } = model.parameters;
  // A million different weights over and over: enough for a speed, and ready in a moment.
  const block = Float32Array.from({ length: 2 ** 20 }, () => 0.02 * random.normal());
  for (let start = 0; start < values.length; start += block.length) {
    values.set(block.subarray(0, values.length - start), start);
  }
  for (const { name } of specs) if (name.endsWith('norm.weight')) model.parameters.get(name).data.fill(1);
  return model;
}

/** The same model without a token that ends answers. */
export function endless(model: Llama): Llama {
  const copy = new Llama({ ...model.config, eos_token_id: null });
  copy.parameters.values.set(model.parameters.values);
  return copy;
}

/** A tokenizer of `count` tokens, none of which ends an answer. */
export function endlessTokenizer(count: number): Tokenizer {
  const firstIdeograph = 0x20000;
  const characters = Array.from({ length: count }, (_, index) => String.fromCodePoint(firstIdeograph + index));
  return characterTokenizer(characters.join(''));
}

/** Of the weights that a step reads. */
function fullWidthBytes({ parameters }: Llama, weights: DecodeOptions['weights']): number {
  const read = parameters.specs.map(({ name }) => parameters.get(name)).filter(({ packed }) => packed !== null);
  return read.reduce((sum, { data }) => sum + data.length, 0) * (weights === 'bf16' ? 2 : 1);
}

function cacheBytesPerStep({ config }: Llama, { batch, cache }: DecodeOptions, position: number): number {
  const { bytesPerToken } = new KeyValueCache({
    layers: config.num_hidden_layers,
    slots: 1,
    length: 16,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
    format: cache,
  });
  return batch * position * bytesPerToken;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
