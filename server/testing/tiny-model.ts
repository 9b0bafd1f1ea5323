/**
 * A real model with random weights and a tokenizer trained on two lines: loads in milliseconds, and speaks
 * English, Chinese and emoji without sense. It never ends an answer by itself, so tests decide how long
 * answers are.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelConfigSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { saveModel } from '@parley/lm/checkpoint';
import { Llama } from '@parley/lm/models';
import { trainTokenizer } from '@parley/lm/tokenizer';

const texts = [
  'The quick brown fox jumps over the lazy dog, and the dog sleeps on. What is the weather today? It is fine.',
  '今天天气很好，我们去公园散步吧。你好，世界！狐狸跳过了懒狗。',
  '🙂🚀🌍👩‍🚀🇨🇳 ≈ naïve café',
];

export const tinyModelName = 'tiny';
/** Long, so that an answer takes seconds to fill it. */
export const tinyModelContext = 4096;

/** @returns the model's folder, new */
export function writeTinyModel({ name = tinyModelName, context = tinyModelContext, seed = 1 } = {}): string {
  const tokenizer = trainTokenizer({ texts, vocabulary: 340 });
  const config = modelConfigSchema.parse({
    vocab_size: tokenizer.vocabulary,
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    head_dim: 16,
    max_position_embeddings: context,
  });
  const model = new Llama(config, new Random(seed));
  const embedding = model.parameters.get('model.embed_tokens.weight').data;
  // Large logits make the choice of most tokens clear; a special token's logit of 0 is then never drawn.
  for (let i = 0; i < embedding.length; i++) embedding[i]! *= 50;
  for (const id of Object.values(tokenizer.special)) embedding.fill(0, id * 32, (id + 1) * 32);

  const folder = join(mkdtempSync(join(tmpdir(), 'parley-model-')), name);
  saveModel(folder, model, tokenizer, {
    name,
    stage: 'pretrain',
    parent: null,
    data: null,
    recipe: {},
    seed,
    metrics: {},
  });
  return folder;
}
