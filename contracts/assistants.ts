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

/** Text as it is, or a file that was uploaded (contracts/files.ts) and is ready. */
export const documentRequestSchema = z.union([
  z.object({ name: shortLine, text: z.string().min(1).max(longestDocument) }),
  z.object({ fileId: z.uuid('not an id') }),
]);
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

/**
 * The widget for other web sites: the page at `/widget/ID`, put into theirs by `/widget.js`.
 *
 *   GET    /api/assistants/:id/widget          → Widget
 *   PUT    /api/assistants/:id/widget          → Widget                             body: Widget
 *   GET    /api/widget/:id                     → WidgetAssistant                    anybody
 *   POST   /api/widget/:id/messages            → server-sent events WidgetEvent     anybody; body: WidgetRequest
 *
 * Visitors are anonymous: nothing that they write is kept, the page sends the conversation with each question.
 */
export const widgetSchema = z.object({
  enabled: z.boolean(),
  /** Of the sites whose pages may show it: 'https://shop.example.org', without a path. */
  origins: z
    .array(
      z
        .string()
        .trim()
        .max(200)
        .refine(isOrigin, 'an origin looks like https://shop.example.org: http or https, a name, a port, and no path'),
    )
    .max(20),
});
export type Widget = z.infer<typeof widgetSchema>;

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

export const widgetAssistantSchema = z.object({ name: z.string(), exampleQuestions: z.array(z.string()) });
export type WidgetAssistant = z.infer<typeof widgetAssistantSchema>;

export const widgetRequestSchema = z.object({
  /** Oldest first; the last one is the question. */
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.string().trim().min(1).max(4_000) }))
    .min(1)
    .max(20)
    .refine((messages) => messages.at(-1)?.role === 'user', 'the last message must be a question'),
});
export type WidgetRequest = z.infer<typeof widgetRequestSchema>;

export const widgetEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('delta'), text: z.string() }),
  /** `passages`: what the model was given, in the order of their numbers. */
  z.object({
    type: z.literal('done'),
    passages: z.array(z.object({ documentName: z.string(), text: z.string() })),
  }),
  z.object({ type: z.literal('error'), message: z.string() }),
]);
export type WidgetEvent = z.infer<typeof widgetEventSchema>;
