/** An untrained chat model of a few thousand parameters, and preferences with something to learn: for tests. */
import { writeFileSync } from 'node:fs';
import { type ModelConfig, modelConfigSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { saveModel } from '@parley/lm/checkpoint';
import { Llama } from '@parley/lm/models';
import { trainTokenizer } from '@parley/lm/tokenizer';

/** Bytes and special tokens alone: every id from 4 on is a byte. */
export function writeTinyChat(folder: string, overrides: Partial<ModelConfig> = {}): string {
  const tokenizer = trainTokenizer({ texts: ['text'], vocabulary: 263 });
  const model = new Llama(
    modelConfigSchema.parse({
      vocab_size: tokenizer.vocabulary,
      hidden_size: 32,
      intermediate_size: 64,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      num_key_value_heads: 2,
      head_dim: 16,
      max_position_embeddings: 96,
      ...overrides,
    }),
    new Random(1),
  );
  saveModel(folder, model, tokenizer, {
    name: 'tiny-chat',
    stage: 'sft',
    parent: null,
    data: null,
    recipe: {},
    seed: 1,
    metrics: {},
  });
  return folder;
}

/** People who like answers the more, the more of them is the letter z. */
export function writeRankings(file: string, count: number, seed = 5): string {
  const random = new Random(seed);
  const lines = Array.from({ length: count }, (_, index) => {
    const answers = Array.from({ length: 2 + random.integer(3) }, () =>
      Array.from({ length: 4 + random.integer(8) }, () => 'abz'[random.integer(3)]).join(''),
    );
    const likings = answers.map((answer) => answer.split('z').length - 1);
    const ranking = likings.map((liking) => 1 + likings.filter((other) => other > liking).length);
    return { prompt: index % 2 === 0 ? `say ${index}` : `说 ${index}`, answers, ranking };
  });
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return file;
}
