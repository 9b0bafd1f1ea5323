/**
 * Blind comparison: two models answer the same prompts, and people who do not know which is which say which answer is
 * better.
 *
 *   GET    /api/comparisons                   → { comparisons: Comparison[] }    trainers; newest first
 *   POST   /api/comparisons                   → Comparison                       administrators; body: NewComparison
 *   GET    /api/comparisons/:id               → ComparisonDetails                trainers
 *   DELETE /api/comparisons/:id               → 204                              administrators
 *   GET    /api/comparisons/:id/next          → { item: BlindItem | null }       trainers; null: nothing is left
 *   POST   /api/comparisons/:id/votes         → Unveiled                         trainers; body: VoteRequest
 */
import { z } from 'zod';

export const newComparisonSchema = z
  .object({
    left: z.string(),
    right: z.string(),
    /** Typed, one each. */
    prompts: z.array(z.string().trim().min(1).max(4000)).max(500).default([]),
    /** Or drawn from `data:NAME` or `snapshot:NAME`. */
    source: z.string().default(''),
    /** How many to draw. */
    count: z.int().min(1).max(500).default(20),
    maxTokens: z.int().min(1).max(4096).default(128),
    temperature: z.number().min(0).max(2).default(0.7),
  })
  .refine(({ left, right }) => left !== right, 'left and right must be two models')
  .refine(({ prompts, source }) => prompts.length > 0 || source !== '', 'give prompts or a source of them');
export type NewComparison = z.input<typeof newComparisonSchema>;

/** Ties and 'both bad' count as half a win. */
export const comparisonResultSchema = z.object({
  votes: z.int(),
  left: z.int(),
  right: z.int(),
  ties: z.int(),
  bothBad: z.int(),
  /** Of the left model; null before the first vote. */
  winRate: z.number().nullable(),
  /** 95 % interval of it (Wilson 1927), over prompts. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
});
export type ComparisonResult = z.infer<typeof comparisonResultSchema>;

export const comparisonSchema = z.object({
  id: z.string(),
  left: z.string(),
  right: z.string(),
  prompts: z.int(),
  /** Prompts that both models have answered. */
  answered: z.int(),
  /** Why the rest never will be. */
  error: z.string().nullable(),
  /** Null while the person who asks has prompts to judge: a look at the score would not be blind. */
  result: comparisonResultSchema.nullable(),
  createdAt: z.int(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const comparisonItemSchema = z.object({
  prompt: z.string(),
  left: z.string(),
  right: z.string(),
  votes: z.object({ left: z.int(), right: z.int(), tie: z.int(), bad: z.int() }),
});
export const comparisonDetailsSchema = z.object({
  comparison: comparisonSchema,
  /** Empty while the person who asks has prompts to judge. */
  items: z.array(comparisonItemSchema),
});
export type ComparisonDetails = z.infer<typeof comparisonDetailsSchema>;

export const blindItemSchema = z.object({
  id: z.string(),
  prompt: z.string(),
  first: z.string(),
  second: z.string(),
  /** Prompts that this person has still to judge, this one included. */
  left: z.int(),
});
export type BlindItem = z.infer<typeof blindItemSchema>;

export const voteRequestSchema = z.object({ item: z.string(), choice: z.enum(['first', 'second', 'tie', 'bad']) });
export type VoteRequest = z.infer<typeof voteRequestSchema>;

/** Who had written what, told after the vote. */
export const unveiledSchema = z.object({ first: z.string(), second: z.string() });
export type Unveiled = z.infer<typeof unveiledSchema>;
