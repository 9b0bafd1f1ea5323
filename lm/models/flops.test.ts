import { modelConfigSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { expect, test } from 'vitest';
import { forwardFlops } from './flops.ts';
import { Llama, toScorer } from './llama.ts';

const config = modelConfigSchema.parse({
  ...{ vocab_size: 10, hidden_size: 4, intermediate_size: 6, num_hidden_layers: 2, head_dim: 2 },
  ...{ num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 8 },
});
// A block: q|k|v 8 x 4, output 4 x 4, gate|up 12 x 4, down 4 x 6, two norms of 4. After the blocks: a norm of 4.
const blocks = 2 * (32 + 16 + 48 + 24 + 8) + 4;

test('two for every weight of the blocks and token, and for every weight of the head and output', () => {
  const model = new Llama({ ...config, tie_word_embeddings: true });
  expect(forwardFlops(model, { tokens: 1, outputs: 0 })).toBe(2 * blocks);
  expect(forwardFlops(model, { tokens: 7, outputs: 3 })).toBe(7 * 2 * blocks + 3 * 2 * 40);
});

test('an output matrix of its own costs what a tied one does, a scalar head one row', () => {
  const model = new Llama({ ...config, tie_word_embeddings: false });
  expect(forwardFlops(model, { tokens: 7, outputs: 3 })).toBe(7 * 2 * blocks + 3 * 2 * 40);
  const scorer = toScorer(model, new Random(1));
  expect(forwardFlops(scorer, { tokens: 7, outputs: 3 })).toBe(7 * 2 * blocks + 3 * 2 * 4);
});
