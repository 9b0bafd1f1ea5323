/** For tests: a model of bytes and special tokens that knows nothing, but knows it decidedly. */
import { modelConfigSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { Llama } from '../models/index.ts';
import { trainTokenizer } from '../tokenizer/index.ts';

export const decidedTokenizer = trainTokenizer({ texts: ['x'], vocabulary: 260 });

/** @param context longest sequence in tokens */
export function decidedModel(context: number): Llama {
  const shape = {
    vocab_size: 264,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    max_position_embeddings: context,
    initializer_range: 0.25,
  };
  return new Llama(modelConfigSchema.parse(shape), new Random(3));
}
