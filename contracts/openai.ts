/** OpenAI's wire format: the part that Parley answers. Unknown request fields are ignored, as its clients expect. */
import { z } from 'zod';

const contentPart = z.looseObject({ type: z.string(), text: z.string().optional() });
const streamOptions = z.looseObject({ include_usage: z.boolean().optional() });
const tokens = z.array(z.int().min(0)).min(1);

export const openaiMessageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(contentPart)]),
});

/** How tokens are drawn, in every route that writes. */
const drawing = {
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().min(1).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  /** By token id. */
  logit_bias: z.record(z.string().regex(/^\d{1,9}$/, 'expected a token id'), z.number().min(-100).max(100)).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  seed: z.int().nullish(),
};
const drawingSchema = z.object(drawing);
export type OpenaiDrawing = z.infer<typeof drawingSchema>;

export const chatCompletionRequestSchema = z.looseObject({
  model: z.string(),
  messages: z.array(openaiMessageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: streamOptions.nullish(),
  n: z.int().min(1).max(8).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  ...drawing,
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  tools: z.array(z.unknown()).nullish(),
});
export type ChatCompletionRequest = z.infer<typeof chatCompletionRequestSchema>;

export const completionRequestSchema = z.looseObject({
  model: z.string(),
  /** One or several texts, each as text or as token ids. */
  prompt: z.union([z.string(), tokens, z.array(z.string()).min(1), z.array(tokens).min(1)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptions.nullish(),
  n: z.int().min(1).max(8).nullish(),
  /** 0 with `echo` only scores the prompt. */
  max_tokens: z.int().min(0).nullish(),
  ...drawing,
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  best_of: z.int().min(1).nullish(),
  suffix: z.string().nullish(),
});
export type CompletionRequest = z.infer<typeof completionRequestSchema>;

export const embeddingRequestSchema = z.looseObject({
  model: z.string(),
  input: z.union([
    z.string().min(1),
    tokens,
    z.array(z.string().min(1)).min(1).max(2048),
    z.array(tokens).min(1).max(2048),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
});
export type EmbeddingRequest = z.infer<typeof embeddingRequestSchema>;

/** The Responses API without its state: nothing of a response is kept. */
export const responseRequestSchema = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(openaiMessageSchema).min(1)]),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  /** 'auto' leaves the oldest turns out where the context is full. */
  truncation: z.enum(['auto', 'disabled']).nullish(),
  ...drawing,
  include: z.array(z.string()).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type ResponseRequest = z.infer<typeof responseRequestSchema>;

const usageSchema = z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() });
export type OpenaiUsage = z.infer<typeof usageSchema>;
const finishReasonSchema = z.enum(['stop', 'length', 'cancelled']).nullable();
const tokenScoreSchema = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.int()) });

/** One event of a streamed chat completion. */
export const chatCompletionChunkSchema = z.looseObject({
  choices: z.array(
    z.looseObject({
      delta: z.looseObject({ content: z.string().optional() }),
      logprobs: z
        .looseObject({ content: z.array(tokenScoreSchema.extend({ top_logprobs: z.array(tokenScoreSchema) })) })
        .nullable(),
      finish_reason: finishReasonSchema,
    }),
  ),
  usage: usageSchema.nullish(),
});

/** One event of a streamed text completion. */
export const completionChunkSchema = z.looseObject({
  choices: z.array(
    z.looseObject({
      text: z.string(),
      logprobs: z
        .looseObject({
          tokens: z.array(z.string()),
          token_logprobs: z.array(z.number().nullable()),
          top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
        })
        .nullable(),
      finish_reason: finishReasonSchema,
    }),
  ),
  usage: usageSchema.nullish(),
});

export const openaiErrorSchema = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable() }),
});
export type OpenaiError = z.infer<typeof openaiErrorSchema>;
