/**
 * What people say about the answers that they get, under `/api`.
 *
 *   PUT    /api/messages/:id/feedback          → Feedback              body: FeedbackRequest
 *   DELETE /api/messages/:id/feedback          → 204
 *   GET    /api/conversations/:id/drafts       → { drafts: DraftPair[] }
 *   PUT    /api/drafts/:id                     → DraftPair             body: DraftChoiceRequest
 */
import { z } from 'zod';

export const thumbSchema = z.enum(['up', 'down']);
export type Thumb = z.infer<typeof thumbSchema>;

/** Why an answer was liked or not: keys that every language has words for. */
export const feedbackReasons = {
  up: ['accurate', 'helpful', 'clear', 'complete', 'pleasant'],
  down: ['untrue', 'unhelpful', 'ignoredInstructions', 'wrongLanguage', 'unsafe', 'tooLong', 'tooShort', 'repetitive'],
} as const;
export const feedbackReasonSchema = z.enum([...feedbackReasons.up, ...feedbackReasons.down]);
export type FeedbackReason = z.infer<typeof feedbackReasonSchema>;

const feedbackShape = {
  thumb: thumbSchema,
  reasons: z.array(feedbackReasonSchema),
  comment: z.string(),
  /** The answer as the person would have liked it; empty: none. */
  betterAnswer: z.string(),
};
export const feedbackSchema = z.object({
  messageId: z.string(),
  ...feedbackShape,
  createdAt: z.int(),
  updatedAt: z.int(),
});
export type Feedback = z.infer<typeof feedbackSchema>;

export const feedbackRequestSchema = z
  .object({
    thumb: thumbSchema,
    reasons: feedbackShape.reasons.max(16).default([]),
    comment: z.string().max(4000).default(''),
    betterAnswer: z.string().max(32_000).default(''),
  })
  .refine(
    ({ thumb, reasons }) => reasons.every((reason) => (feedbackReasons[thumb] as readonly string[]).includes(reason)),
    { path: ['reasons'], message: 'these reasons do not belong to this thumb' },
  );
export type FeedbackRequest = z.infer<typeof feedbackRequestSchema>;

export const draftChoiceSchema = z.enum(['left', 'right', 'tie', 'neither']);
export type DraftChoice = z.infer<typeof draftChoiceSchema>;

/** Two answers to one question that were written side by side, to be compared. */
export const draftPairSchema = z.object({
  id: z.string(),
  conversationId: z.string(),
  /** Message ids. Which draft stands where was drawn at random. */
  left: z.string(),
  right: z.string(),
  /** Null until the person has said which is better. */
  choice: draftChoiceSchema.nullable(),
});
export type DraftPair = z.infer<typeof draftPairSchema>;

export const draftChoiceRequestSchema = z.object({ choice: draftChoiceSchema });
