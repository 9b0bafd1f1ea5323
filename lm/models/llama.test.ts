import { readFileSync } from 'node:fs';
import { type ModelConfig, modelConfigSchema } from '@parley/contracts';
import { backward, inference, KeyValueCache, precision, Random, scope, setPrecision } from '@parley/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { weightsOf } from '../checkpoint/model-folder.ts';
import { countParameters, Llama } from './llama.ts';

interface Golden {
  config: Record<string, unknown>;
  parameters: string[];
  batch: number;
  length: number;
  ids: number[];
  logits: number[];
  loss: number;
  gradientNorms: Record<string, number>;
}
const goldens: Record<string, Golden> = JSON.parse(readFileSync(new URL('llama.golden.json', import.meta.url), 'utf8'));

const usual = precision();
beforeAll(() => setPrecision('f32'));
afterAll(() => setPrecision(usual));

const tiny = (changes: Partial<ModelConfig> = {}): ModelConfig =>
  modelConfigSchema.parse({
    vocab_size: 29,
    hidden_size: 24,
    intermediate_size: 20,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 6,
    max_position_embeddings: 32,
    initializer_range: 0.3,
    ...changes,
  });

const randomIds = (count: number, seed = 5): Int32Array => {
  const random = new Random(seed);
  return Int32Array.from({ length: count }, () => random.integer(29));
};

/** Each target is the id after it; the last of each sequence has none. */
const nextIds = (ids: Int32Array, length: number): Int32Array =>
  ids.map((_, row) => ((row + 1) % length === 0 ? -1 : ids[row + 1]!));

function logitsOf(model: Llama, ids: Int32Array, batch: number, starts?: Int32Array): Float32Array {
  return inference(() => model.logits(model.hidden(ids, { batch, length: ids.length / batch, starts })).data.slice());
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

/** The weights of make-goldens.py: a Lehmer stream per parameter. */
function fillFromStreams(model: Llama, names: string[]): void {
  for (const { name, data } of weightsOf(model)) {
    const isNorm = name.endsWith('norm.weight');
    let state = names.indexOf(name) + 1;
    for (let i = 0; i < data.length; i++) {
      state = (state * 48271) % 2147483647;
      data[i] = isNorm ? 1 + 0.4 * (state / 2147483647 - 0.5) : 0.5 * (state / 2147483647 - 0.5);
    }
  }
}

describe.each(Object.entries(goldens))('beside Hugging Face: %s', (_, golden) => {
  const model = new Llama(modelConfigSchema.parse(golden.config));
  fillFromStreams(model, golden.parameters);
  const ids = Int32Array.from(golden.ids);
  const layout = { batch: golden.batch, length: golden.length };

  it('has the same parameters', () => {
    expect(
      weightsOf(model)
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...golden.parameters].sort());
    expect(model.parameters.count).toBe(countParameters(model.config));
  });

  it('gives the same logits', () => {
    expect(largestDifference(logitsOf(model, ids, golden.batch), golden.logits)).toBeLessThan(2e-5);
  });

  it('gives the same loss and gradients', () => {
    const loss = scope(() => {
      const result = model.loss(ids, nextIds(ids, golden.length), layout);
      backward(result.loss);
      return result.loss.data[0]!;
    });
    expect(loss).toBeCloseTo(golden.loss, 5);
    // The gradients lie in the same layout as the values, so the same views apply.
    const { values, gradients } = model.parameters;
    for (const { name, data } of weightsOf(model)) {
      const first = (data.byteOffset - values.byteOffset) / 4;
      const norm = Math.hypot(...gradients.subarray(first, first + data.length));
      expect(Math.abs(norm / golden.gradientNorms[name]! - 1), name).toBeLessThan(1e-4);
    }
  });
});

describe('beside a slow reference in double precision', () => {
  const config = tiny({ rope_theta: 300 });
  const model = new Llama(config, new Random(11));
  const [batch, length] = [2, 7];
  const ids = randomIds(batch * length);
  const targets = nextIds(ids, length);

  it('gives the same logits', () => {
    const reference = referenceLogits(config, referenceWeights(model), ids, length);
    expect(largestDifference(logitsOf(model, ids, batch), reference.flat())).toBeLessThan(1e-5);
  });

  it('has the gradient that finite differences of the reference give', () => {
    model.parameters.zeroGradients();
    scope(() => backward(model.loss(ids, targets, { batch, length }).loss));
    const weights = referenceWeights(model);
    const random = new Random(2);
    for (const { name } of model.parameters.specs) {
      const values = weights.get(name)!;
      const direction = Float64Array.from(values, () => random.normal());
      const lossAt = (step: number) => {
        const moved = values.map((value, i) => value + step * direction[i]!);
        return referenceLoss(config, new Map(weights).set(name, moved), ids, targets, length);
      };
      const numeric = (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
      const gradient = model.parameters.get(name).gradient!;
      const analytic = direction.reduce((sum, value, i) => sum + value * gradient[i]!, 0);
      expect(Math.abs(analytic - numeric), name).toBeLessThan(1e-4 * Math.max(1, Math.abs(numeric)));
    }
  });
});

describe('Llama', () => {
  const model = new Llama(tiny(), new Random(4));

  it('starts near the loss of a uniform guess, with small residual outputs', () => {
    const config = tiny({ initializer_range: 0.02, num_hidden_layers: 8 });
    const fresh = new Llama(config, new Random(1));
    const ids = randomIds(64);
    const { loss, logProbabilities } = inference(() => {
      const result = fresh.loss(ids, nextIds(ids, 32), { batch: 2, length: 32 });
      return { loss: result.loss.data[0]!, logProbabilities: result.logProbabilities.slice() };
    });
    expect(Math.abs(loss - Math.log(29))).toBeLessThan(0.05);
    const counted = [...logProbabilities].filter((value) => value !== 0);
    expect(counted).toHaveLength(62);
    expect(-counted.reduce((a, b) => a + b) / 62).toBeCloseTo(loss, 5);
    const deviation = (name: string) => {
      const { data } = fresh.parameters.get(name);
      return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
    };
    expect(deviation('model.layers.3.self_attn.qkv_proj.weight')).toBeCloseTo(0.02, 2);
    expect(deviation('model.layers.3.mlp.down_proj.weight')).toBeCloseTo(0.02 / 4, 3);
  });

  it('gives the same bits for the same seed', () => {
    expect(new Llama(tiny(), new Random(9)).parameters.values).toEqual(
      new Llama(tiny(), new Random(9)).parameters.values,
    );
  });

  it('sees the past only', () => {
    const ids = randomIds(12);
    const before = logitsOf(model, ids, 1);
    const changed = ids.slice();
    changed[8] = (changed[8]! + 1) % 29;
    const after = logitsOf(model, changed, 1);
    expect(after.subarray(0, 8 * 29)).toEqual(before.subarray(0, 8 * 29));
    expect(largestDifference(after.subarray(8 * 29), before.subarray(8 * 29))).toBeGreaterThan(1e-3);
  });

  it('keeps packed documents apart, whatever their place in the row', () => {
    const [first, second] = [randomIds(5, 1), randomIds(8, 2)];
    const packed = Int32Array.of(...first, ...second);
    const starts = packed.map((_, i) => (i < 5 ? 0 : 5));
    const together = logitsOf(model, packed, 1, starts);
    const apart = [...logitsOf(model, first, 1), ...logitsOf(model, second, 1)];
    expect(largestDifference(together, apart)).toBeLessThan(1e-4);
  });

  it('gives the same from the cache as at once, however the tokens are cut into chunks', () => {
    const ids = randomIds(20);
    const whole = logitsOf(model, ids, 1);
    for (const chunks of [[20], [1, 19], [7, 7, 6], Array<number>(20).fill(1)]) {
      const cache = newCache(model, 3);
      const rows: number[] = [];
      let position = 0;
      for (const count of chunks) {
        const chunk = ids.subarray(position, position + count);
        const positions = chunk.map((_, i) => position + i);
        const slots = new Int32Array(count).fill(2);
        rows.push(...inference(() => model.logits(model.forwardCached(chunk, cache, slots, positions)).data.slice()));
        position += count;
      }
      expect(largestDifference(rows, whole)).toBeLessThan(2e-5);
    }
  });

  it('gives each row of a batch the bits that it has alone', () => {
    const sequences = [3, 9, 5].map((length, seed) => randomIds(length, seed));
    const run = (chosen: number[]) => {
      const cache = newCache(model, 3);
      const rows = chosen.flatMap((slot) => Array.from(sequences[slot]!, (id, position) => ({ id, slot, position })));
      const column = (key: 'id' | 'slot' | 'position') => Int32Array.from(rows, (row) => row[key]);
      const hidden = inference(() =>
        model.forwardCached(column('id'), cache, column('slot'), column('position')).data.slice(),
      );
      return chosen.map((slot) => {
        const last = rows.findLastIndex((row) => row.slot === slot);
        return hidden.slice(last * 24, (last + 1) * 24);
      });
    };
    expect(run([0, 1, 2])).toEqual([...run([0]), ...run([1]), ...run([2])]);
  });

  it('refuses heads that do not fit and sequences longer than the context', () => {
    expect(() => new Llama(tiny({ num_key_value_heads: 3 }))).toThrow(/3 key\/value heads do not divide 4 query heads/);
    expect(() => new Llama(tiny({ head_dim: 5 }))).toThrow(/even head width, not 5/);
    expect(() => logitsOf(model, randomIds(33), 1)).toThrow(/33 tokens exceed the model's context of 32/);
  });
});

function newCache(model: Llama, slots: number): KeyValueCache {
  const { config } = model;
  return new KeyValueCache({
    layers: config.num_hidden_layers,
    slots,
    length: config.max_position_embeddings,
    keyValueHeads: config.num_key_value_heads,
    headDim: config.head_dim,
  });
}

function referenceWeights(model: Llama): Map<string, Float64Array> {
  return new Map(model.parameters.specs.map(({ name }) => [name, Float64Array.from(model.parameters.get(name).data)]));
}

function referenceLoss(
  config: ModelConfig,
  weights: Map<string, Float64Array>,
  ids: Int32Array,
  targets: Int32Array,
  length: number,
): number {
  let [sum, count] = [0, 0];
  for (const [row, logits] of referenceLogits(config, weights, ids, length).entries()) {
    if (targets[row]! < 0) continue;
    sum += Math.log(logits.reduce((total, value) => total + Math.exp(value), 0)) - logits[targets[row]!]!;
    count++;
  }
  return sum / count;
}

/** The forward pass as the papers state it, a row at a time. */
function referenceLogits(
  config: ModelConfig,
  weights: Map<string, Float64Array>,
  ids: Int32Array,
  length: number,
): number[][] {
  const { hidden_size: width, intermediate_size: inner, num_attention_heads: heads, head_dim: d } = config;
  const keyValueHeads = config.num_key_value_heads;
  const product = (name: string, x: number[]): number[] => {
    const matrix = weights.get(name)!;
    return Array.from({ length: matrix.length / x.length }, (_, row) =>
      x.reduce((sum, value, k) => sum + value * matrix[row * x.length + k]!, 0),
    );
  };
  const norm = (name: string, x: number[]): number[] => {
    const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / width + config.rms_norm_eps);
    return x.map((value, k) => value * scale * weights.get(name)![k]!);
  };
  const sum = (a: number[], b: number[]): number[] => a.map((value, k) => value + b[k]!);
  /** Pairs (k, k + d/2) turned by the position's angle. */
  const rotate = (head: number[], position: number): number[] =>
    head.map((value, k) => {
      const angle = position * config.rope_theta ** ((-2 * (k % (d / 2))) / d);
      const other = k < d / 2 ? -head[k + d / 2]! : head[k - d / 2]!;
      return value * Math.cos(angle) + other * Math.sin(angle);
    });
  const attend = (queries: number[], keys: number[][], values: number[][]): number[] =>
    Array.from({ length: heads }, (_, head) => {
      const at = Math.floor((head * keyValueHeads) / heads) * d;
      const scores = keys.map(
        (key) => queries.slice(head * d, (head + 1) * d).reduce((s, q, k) => s + q * key[at + k]!, 0) / Math.sqrt(d),
      );
      const exponentials = scores.map(Math.exp);
      const total = exponentials.reduce((a, b) => a + b);
      return Array.from({ length: d }, (_, k) =>
        exponentials.reduce((s, e, i) => s + (e / total) * values[i]![at + k]!, 0),
      );
    }).flat();

  const embedding = weights.get('model.embed_tokens.weight')!;
  const output: number[][] = [];
  for (let first = 0; first < ids.length; first += length) {
    let stream = Array.from(ids.subarray(first, first + length), (id) => [
      ...embedding.subarray(id * width, (id + 1) * width),
    ]);
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      const prefix = `model.layers.${layer}`;
      const rotated = (x: number[], from: number, count: number, position: number) =>
        Array.from({ length: count }, (_, head) =>
          rotate(x.slice((from + head) * d, (from + head + 1) * d), position),
        ).flat();
      const qkv = stream.map((x) =>
        product(`${prefix}.self_attn.qkv_proj.weight`, norm(`${prefix}.input_layernorm.weight`, x)),
      );
      const queries = qkv.map((x, t) => rotated(x, 0, heads, t));
      const keys = qkv.map((x, t) => rotated(x, heads, keyValueHeads, t));
      const values = qkv.map((x) => x.slice((heads + keyValueHeads) * d));
      stream = stream.map((x, t) => {
        const mixed = attend(queries[t]!, keys.slice(0, t + 1), values.slice(0, t + 1));
        return sum(x, product(`${prefix}.self_attn.o_proj.weight`, mixed));
      });
      stream = stream.map((x) => {
        const gateUp = product(
          `${prefix}.mlp.gate_up_proj.weight`,
          norm(`${prefix}.post_attention_layernorm.weight`, x),
        );
        const hidden = gateUp.slice(0, inner).map((gate, k) => (gate / (1 + Math.exp(-gate))) * gateUp[inner + k]!);
        return sum(x, product(`${prefix}.mlp.down_proj.weight`, hidden));
      });
    }
    const head = config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
    output.push(...stream.map((x) => product(head, norm('model.norm.weight', x))));
  }
  return output;
}
