/**
 * What people said about answers: one JSON object a line in a `.jsonl` file, of three shapes.
 *
 *     { "prompt": …, "answers": ["…", "…", "…"], "ranking": [2, 1, 2] }    1 is best, equal ranks are ties
 *     { "prompt": …, "chosen": "…", "rejected": "…" }                      the common shape of preference data sets
 *     { "prompt": …, "answer": "…", "thumb": "up" }                        one answer on its own
 *
 * A prompt is the conversation up to the answer: a list of messages, or a string for a single question. Any of the
 * shapes may carry where it comes from.
 */
import { z } from 'zod';
import { chatMessageSchema } from './demonstration.ts';
import { feedbackReasonSchema, thumbSchema } from './feedback.ts';
import { samplingSchema } from './sampling.ts';
import { labelContentSchema } from './workbench.ts';

/** Ends with what is to be answered. */
export const promptSchema = z
  .union([z.string().min(1), z.array(chatMessageSchema).min(1)])
  .transform((prompt) => (typeof prompt === 'string' ? [{ role: 'user' as const, content: prompt }] : prompt))
  .refine((messages) => messages.at(-1)?.role === 'user', 'a prompt must end with a message of the user');

/** Who said it, when, and how the answers came about. All of it is optional in data from elsewhere. */
const originShape = {
  id: z
    .string()
    .optional()
    .describe('what the server knows it by; several lines may come from one thing that was said'),
  author: z.string().optional(),
  createdAt: z.int().optional().describe('epoch milliseconds'),
  comment: z.string().optional(),
  model: z.object({ name: z.string(), weightsHash: z.string() }).optional(),
  sampling: samplingSchema.partial().optional(),
  promptTokens: z.array(z.int()).optional().describe('exactly what the model read'),
  /** How each of several answers came about, in their order; null: a person wrote it. */
  origins: z
    .array(
      z.object({ model: z.object({ name: z.string(), weightsHash: z.string() }), sampling: samplingSchema }).nullable(),
    )
    .optional(),
};

export const rankingSchema = z
  .object({
    prompt: promptSchema,
    answers: z.array(z.string()).min(2).max(9),
    ranking: z.array(z.int().min(1)),
    shownOrder: z.array(z.int()).optional().describe('indices of the answers in the order in which they were shown'),
    milliseconds: z.int().optional().describe('that the person took'),
    ...originShape,
  })
  .refine(
    ({ answers, ranking }) => answers.length === ranking.length,
    'ranking must hold one rank for each of the answers',
  );
export type Ranking = z.infer<typeof rankingSchema>;

/** An answer as text, or as a conversation that ends with it. */
const finalAnswerSchema = z
  .union([z.string(), z.array(chatMessageSchema).min(1)])
  .transform((answer) => (typeof answer === 'string' ? answer : answer.at(-1)!.content));

export const pairSchema = z.object({
  prompt: promptSchema,
  chosen: finalAnswerSchema,
  rejected: finalAnswerSchema,
  ...originShape,
});
export type Pair = z.infer<typeof pairSchema>;

export const thumbedAnswerSchema = z.object({
  prompt: promptSchema,
  answer: z.string(),
  thumb: thumbSchema,
  reasons: z.array(feedbackReasonSchema).optional(),
  ...originShape,
});

export type ThumbedAnswer = z.infer<typeof thumbedAnswerSchema>;

/** A line of `labels.jsonl`: what somebody noted about an answer. */
const labelSchema = z.object({
  prompt: promptSchema,
  answer: z.string(),
  labels: labelContentSchema.pick({ questions: true, flags: true, scales: true }),
  ...originShape,
});
export type Label = z.infer<typeof labelSchema>;

/** A line of preferences. */
export type Preference = Ranking | Pair | ThumbedAnswer;

/** `snapshot.json`: what was frozen. */
export const snapshotSchema = z.object({
  format: z.literal('parley-snapshot/1'),
  /** SHA-256 of preferences.jsonl, demonstrations.jsonl and labels.jsonl one after another; names the folder. */
  hash: z.string(),
  lines: z.object({
    ...{ rankings: z.int(), pairs: z.int(), thumbs: z.int() },
    ...{ demonstrations: z.int().default(0), labels: z.int().default(0) },
  }),
  /** Where the lines come from, in their order: the server's own first. */
  sources: z.array(z.object({ name: z.string(), lines: z.int() })),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** A line of a prompts file: what to answer, for a policy to learn on. Conversations lose their last answer. */
export const promptLineSchema = z
  .union([z.object({ prompt: promptSchema }), z.object({ messages: z.array(chatMessageSchema).min(1) })])
  .transform((line) => {
    if ('prompt' in line) return line.prompt;
    return line.messages.at(-1)?.role === 'assistant' ? line.messages.slice(0, -1) : line.messages;
  })
  .refine((messages) => messages.at(-1)?.role === 'user', 'a prompt must end with a message of the user');
