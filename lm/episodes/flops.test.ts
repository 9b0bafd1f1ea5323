import { modelConfigSchema } from '@parley/contracts';
import { expect, test } from 'vitest';
import { Llama } from '../models/index.ts';
import { answerFlops, learningFlops, rolloutFlops } from './flops.ts';

// A block: q|k|v 12 x 4, output 4 x 4, gate|up 10 x 4, down 4 x 5, two norms of 4; then a norm of 4. Logits: 6 x 4.
const blocks = 48 + 16 + 40 + 20 + 8 + 4;
const model = new Llama(
  modelConfigSchema.parse({
    ...{ vocab_size: 6, hidden_size: 4, intermediate_size: 5, num_hidden_layers: 1, head_dim: 2 },
    ...{ num_attention_heads: 2, num_key_value_heads: 2, max_position_embeddings: 8, tie_word_embeddings: true },
  }),
);
const episodes = [
  { prompt: [1, 2], answer: [3, 4, 0], ended: true },
  { prompt: [5], answer: [2, 2], ended: false },
];

test('looking at answers reads 8 tokens and predicts 5; learning costs three times that', () => {
  const forward = 2 * (8 * blocks + 5 * 24);
  expect(answerFlops(model, episodes)).toBe(forward);
  expect(learningFlops(model, episodes)).toBe(3 * forward);
  // One score each, however long.
  expect(answerFlops(model, episodes, 2)).toBe(2 * (8 * blocks + 2 * 24));
});

test('writing them reads all tokens but the last of each, less what the cache held', () => {
  expect(rolloutFlops(model, episodes, 0)).toBe(2 * (6 * blocks + 5 * 24));
  expect(rolloutFlops(model, episodes, 1)).toBe(2 * (5 * blocks + 5 * 24));
});
