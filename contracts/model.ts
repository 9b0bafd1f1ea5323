/**
 * The shape of a model on disk: Hugging Face's `config.json` for a Llama, and our `manifest.json` beside it.
 */
import { z } from 'zod';

/**
 * The subset of Hugging Face's LlamaConfig that the decoder reads. Unknown keys are kept, so a foreign
 * folder survives a load and a save.
 */
export const modelConfigSchema = z.looseObject({
  architectures: z.array(z.string()).default(['LlamaForCausalLM']),
  model_type: z.literal('llama').default('llama'),
  vocab_size: z.int().min(1).describe('number of token ids, rows of the embedding'),
  hidden_size: z.int().min(1).describe('width of the residual stream'),
  intermediate_size: z.int().min(1).describe('width of the SwiGLU hidden layer'),
  num_hidden_layers: z.int().min(1).describe('number of decoder blocks'),
  num_attention_heads: z.int().min(1).describe('query heads'),
  num_key_value_heads: z.int().min(1).describe('key/value heads; divides the query heads'),
  head_dim: z.int().min(2).describe('width of one head; even'),
  max_position_embeddings: z.int().min(1).describe('longest context in tokens'),
  rms_norm_eps: z.number().positive().default(1e-5),
  rope_theta: z.number().positive().default(10000),
  tie_word_embeddings: z.boolean().default(true),
  hidden_act: z.literal('silu').default('silu'),
  attention_bias: z.literal(false).default(false),
  mlp_bias: z.literal(false).default(false),
  initializer_range: z.number().positive().default(0.02),
  bos_token_id: z.int().nullable().default(null),
  eos_token_id: z
    .union([z.int(), z.array(z.int())])
    .nullable()
    .default(null),
  pad_token_id: z.int().nullable().default(null),
  /** Of a model that scores: what is taken off the head's output. Hugging Face's class of that name has no such thing. */
  reward_offset: z.number().optional(),
  torch_dtype: z.string().default('float32'),
});
export type ModelConfig = z.infer<typeof modelConfigSchema>;

/** Where a model came from: enough to rebuild it and to follow its line back to the raw text. */
export const manifestSchema = z.object({
  format: z.literal('parley-model/1'),
  name: z.string().min(1),
  /** SHA-256 of model.safetensors, in hex. */
  weightsHash: z.string(),
  /** SHA-256 of tokenizer.json, in hex. */
  tokenizerHash: z.string(),
  parameters: z.int(),
  stage: z.enum(['pretrain', 'sft', 'reward', 'ppo', 'trpo', 'dpo', 'grpo', 'textgan', 'imported']),
  /** The model that this one was trained from, if any. */
  parent: z.object({ name: z.string(), weightsHash: z.string() }).nullable(),
  /** The data snapshot that it was trained on. */
  data: z.object({ name: z.string(), hash: z.string() }).nullable(),
  /** The recipe's full configuration, defaults filled in. */
  recipe: z.record(z.string(), z.unknown()),
  seed: z.int(),
  codeVersion: z.string(),
  createdAt: z.string().describe('ISO 8601, UTC'),
  /** Final figures, e.g. validationLoss in nats per token, bitsPerByte. */
  metrics: z.record(z.string(), z.number()),
});
export type Manifest = z.infer<typeof manifestSchema>;
