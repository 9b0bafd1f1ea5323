/**
 * Custom assistants, under `/api`: instructions, documents to answer from, and a widget for other web sites.
 *
 *   GET    /api/assistants                     → { assistants: Assistant[] }        one's own and the shared ones, newest first
 *   POST   /api/assistants                     → Assistant                          body: AssistantRequest
 *   GET    /api/assistants/:id                 → Assistant
 *   PUT    /api/assistants/:id                 → Assistant                          body: AssistantRequest
 *   DELETE /api/assistants/:id                 → 204                                its documents go, its conversations stay
 *   POST   /api/assistants/:id/conversations   → Conversation                       a new one that belongs to it
 *   GET    /api/assistants/:id/documents       → { documents: AssistantDocument[] }
 *   POST   /api/assistants/:id/documents       → AssistantDocument                  body: DocumentRequest
 *   DELETE /api/documents/:id                  → 204
 *   GET    /api/documents/:id/excerpt          → Excerpt                            query: start, end
 *   GET    /api/conversations/:id/citations    → { citations: Citation[] }
 *
 * Only its owner changes an assistant; whoever may see it may talk to it and read its documents.
 */
import { z } from 'zod';

const shortLine = z.string().trim().min(1).max(200);

/** 'private': its owner; 'installation': everyone who can sign in here. */
export const assistantVisibilitySchema = z.enum(['private', 'installation']);
export type AssistantVisibility = z.infer<typeof assistantVisibilitySchema>;

/** Longer ones would fill the context of a small model by themselves. */
export const longestInstructions = 4_000;
export const mostExampleQuestions = 6;

export const assistantRequestSchema = z.object({
  name: z.string().trim().min(1).max(80),
  instructions: z.string().trim().max(longestInstructions).default(''),
  exampleQuestions: z.array(shortLine).max(mostExampleQuestions).default([]),
  /** The id of the model that answers; null: the deployed one, whichever that is. */
  model: z.string().max(200).nullable().default(null),
  visibility: assistantVisibilitySchema.default('private'),
});
export type AssistantRequest = z.infer<typeof assistantRequestSchema>;

export const assistantSchema = z.object({
  id: z.string(),
  ...assistantRequestSchema.shape,
  /** Whether it belongs to who asks. */
  own: z.boolean(),
  documents: z.int(),
  createdAt: z.int(),
  updatedAt: z.int(),
});
export type Assistant = z.infer<typeof assistantSchema>;

/** Characters (UTF-16 units) of the longest document, and how many an assistant may have. */
export const longestDocument = 300_000;
export const mostDocuments = 50;

export const documentRequestSchema = z.object({
  name: shortLine,
  text: z.string().min(1).max(longestDocument),
});
export type DocumentRequest = z.infer<typeof documentRequestSchema>;

export const assistantDocumentSchema = z.object({
  id: z.string(),
  assistantId: z.string(),
  name: z.string(),
  /** UTF-16 units. */
  characters: z.int(),
  /** 'reading' until it can be searched. */
  state: z.enum(['reading', 'ready', 'failed']),
  /** Why it failed; null unless it did. */
  failure: z.string().nullable(),
  passages: z.int(),
  createdAt: z.int(),
});
export type AssistantDocument = z.infer<typeof assistantDocumentSchema>;

/** A passage that the model was given for an answer. It outlives its document. */
export const citationSchema = z.object({
  messageId: z.string(),
  /** From 1; the answer refers to it as [number]. */
  number: z.int(),
  /** Null when the document is gone. */
  documentId: z.string().nullable(),
  documentName: z.string(),
  /** UTF-16 offsets in the document's text, the end exclusive. */
  start: z.int(),
  end: z.int(),
  text: z.string(),
});
export type Citation = z.infer<typeof citationSchema>;

/** A part of a document with what stands around it. */
export const excerptSchema = z.object({
  documentId: z.string(),
  name: z.string(),
  before: z.string(),
  passage: z.string(),
  after: z.string(),
  /** Whether the document goes on beyond. */
  moreBefore: z.boolean(),
  moreAfter: z.boolean(),
});
export type Excerpt = z.infer<typeof excerptSchema>;

export const excerptRangeSchema = z
  .object({ start: z.coerce.number().int().min(0), end: z.coerce.number().int().min(0) })
  .refine(({ start, end }) => start <= end, { path: ['end'], message: 'must not lie before start' });
