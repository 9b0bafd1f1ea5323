import { describe, expect, it } from 'vitest';
import { deriveArchitecture, deriveTraining } from './derive.ts';
import { countParameters } from './llama.ts';

const free = { depth: 6, width: 0, heads: 0, keyValueHeads: 0, intermediate: 0, context: 256 };

describe('deriveArchitecture', () => {
  it('follows from depth alone, with a sentence for each derivation', () => {
    const { config, parameters, explanations } = deriveArchitecture(free, 8192);
    expect(config).toMatchObject({
      hidden_size: 384,
      num_attention_heads: 6,
      num_key_value_heads: 3,
      head_dim: 64,
      intermediate_size: 1024,
      max_position_embeddings: 256,
      tie_word_embeddings: true,
    });
    // Embedding, and per layer: qkv, output, gate and up, down, two norms; one norm at the end.
    const layer = 384 * (6 + 2 * 3) * 64 + 384 * 384 + 3 * 384 * 1024 + 2 * 384;
    expect(parameters).toBe(8192 * 384 + 6 * layer + 384);
    expect(explanations.map((sentence) => sentence.split(' ')[0])).toEqual(['width', '6', '3', 'SwiGLU', '12.88']);
  });

  it('respects what is given and derives the rest from it', () => {
    const { config, explanations } = deriveArchitecture(
      { ...free, depth: 4, width: 128, heads: 4, keyValueHeads: 4 },
      65,
    );
    expect(config).toMatchObject({
      hidden_size: 128,
      num_attention_heads: 4,
      num_key_value_heads: 4,
      head_dim: 32,
      intermediate_size: 384,
    });
    expect(explanations).toHaveLength(2);
    expect(deriveArchitecture({ ...free, depth: 5 }, 65).config.num_key_value_heads).toBe(5);
  });

  it('gives models that can be built at every depth', () => {
    for (let depth = 1; depth <= 48; depth++) {
      const { config, parameters } = deriveArchitecture({ ...free, depth }, 8192);
      expect(config.num_attention_heads % config.num_key_value_heads).toBe(0);
      expect(parameters).toBe(countParameters(config));
    }
  });

  it('refuses widths and heads that do not fit', () => {
    expect(() => deriveArchitecture({ ...free, width: 100, heads: 3 }, 65)).toThrow(
      /3 heads do not split a width of 100/,
    );
    expect(() => deriveArchitecture({ ...free, width: 12, heads: 4 }, 65)).toThrow(/even/);
    expect(() => deriveArchitecture({ ...free, keyValueHeads: 4 }, 65)).toThrow(/4 key\/value heads do not divide 6/);
  });
});

describe('deriveTraining', () => {
  it('follows the published fits for ten million parameters', () => {
    const { batch, learningRate, steps, tokens, explanations } = deriveTraining({ parameters: 1e7, context: 256 });
    // C = 6 · 1e7 · 2e8 = 1.2e16: batch 0.292 · C^0.3271 = 53.1k tokens, rate 0.3118 · C^-0.125 = 3.05e-3.
    expect(batch).toBe(Math.round((0.292 * 1.2e16 ** 0.3271) / 256));
    expect(learningRate).toBeCloseTo(3e-3, 3);
    expect(tokens).toBe(steps * batch * 256);
    expect(Math.abs(tokens / 2e8 - 1)).toBeLessThan(0.01);
    expect(explanations).toHaveLength(3);
  });

  it('lowers the rate by the square root for a smaller batch, and leaves given values alone', () => {
    const { learningRate, explanations } = deriveTraining({ parameters: 1e7, context: 256, batch: 16, steps: 100 });
    expect(learningRate).toBeGreaterThan(7e-4);
    expect(learningRate).toBeLessThan(1e-3);
    expect(explanations).toHaveLength(1);
    expect(deriveTraining({ parameters: 1e7, context: 256, batch: 16, steps: 100, learningRate: 0.5 })).toMatchObject({
      batch: 16,
      learningRate: 0.5,
      steps: 100,
      explanations: [],
    });
  });
});
