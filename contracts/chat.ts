/**
 * The chat product's own API, under `/api`. Ids are UUIDv7; times are epoch milliseconds.
 *
 *   GET    /api/status                         → Status
 *   GET    /api/conversations                  → { conversations: Conversation[] }   newest first
 *   POST   /api/conversations                  → Conversation          body: {}
 *   PATCH  /api/conversations/:id              → Conversation          body: ConversationChange
 *   DELETE /api/conversations/:id              → 204
 *   GET    /api/conversations/:id/messages     → { messages: Message[] }   the whole tree, oldest first
 *   POST   /api/conversations/:id/messages     → server-sent events    body: SendRequest
 *   POST   /api/messages/:id/continue          → server-sent events    goes on from an answer that was cut; body: AgainRequest
 *   POST   /api/messages/:id/regenerate        → server-sent events    a sibling answer with a new seed; body: AgainRequest
 *   GET    /api/messages/:id/stream?after=     → server-sent events    joins an answer: see below
 *   POST   /api/messages/:id/stop              → 204                   frees the compute within one token
 *
 * An event stream is a sequence of StreamEvent, each as `id: …\ndata: {json}\n\n`; it ends after 'done' or 'error'.
 * The id says how far its reader has read. Whoever joins an answer and names the last id it got, as `after` or in the
 * header Last-Event-ID, gets the deltas that follow, none twice and none missing. Without an id, or with one whose
 * text a crash has undone, the stream begins with 'start', whose answer holds the text so far.
 * Errors outside a stream are `{ error: { message, code } }` with the fitting HTTP status.
 */
import { z } from 'zod';
import { feedbackSchema } from './feedback.ts';
import { messageFileSchema, mostFilesPerMessage } from './files.ts';
import { samplingOverridesSchema } from './sampling.ts';

export const statusSchema = z.object({
  version: z.string(),
  model: z.object({ id: z.string(), parameters: z.int(), context: z.int() }),
  ready: z.boolean(),
});
export type Status = z.infer<typeof statusSchema>;

export const conversationSchema = z.object({
  id: z.string(),
  title: z.string(),
  /** The assistant that it belongs to; null: none. */
  assistantId: z.string().nullable(),
  /** Kept at the top of the list. */
  pinned: z.boolean(),
  createdAt: z.int(),
  updatedAt: z.int(),
});
export type Conversation = z.infer<typeof conversationSchema>;

export const conversationChangeSchema = z
  .object({ title: z.string().trim().min(1).max(200), pinned: z.boolean() })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'give a title, or whether it is pinned');
export type ConversationChange = z.infer<typeof conversationChangeSchema>;

export const messageSchema = z.object({
  id: z.string(),
  conversationId: z.string(),
  /** The message that this one answers; siblings share it (regenerated answers). Null for the first. */
  parentId: z.string().nullable(),
  role: z.enum(['user', 'assistant']),
  content: z.string(),
  createdAt: z.int(),
  /** 'streaming' while tokens arrive; 'interrupted' if the server died in mid-answer. User messages are 'stop'. */
  status: z.enum(['streaming', 'stop', 'length', 'cancelled', 'interrupted', 'error']),
  /** The model's manifest name, for assistant messages. */
  model: z.string().nullable(),
  /** Oldest turns left out of the prompt because the context was full. */
  droppedTurns: z.int(),
  feedback: feedbackSchema.nullable(),
  /** On a question: the files that came with it. On an answer: what it was given of the files of the conversation. */
  files: z.array(messageFileSchema),
});
export type Message = z.infer<typeof messageSchema>;

export const sendRequestSchema = z.object({
  content: z.string().trim().min(1).max(32_000),
  /** The answer to hang the new message under; null: a new first message; absent: the newest leaf. */
  parentId: z.string().nullish(),
  /** Files that were uploaded and are ready, to be read with it. */
  fileIds: z.array(z.uuid('not an id')).max(mostFilesPerMessage).optional(),
  /** The id of the model to answer; absent: whichever is deployed. */
  model: z.string().max(300).optional(),
  sampling: samplingOverridesSchema.optional(),
});
export type SendRequest = z.infer<typeof sendRequestSchema>;

/** Continue and regenerate. */
export const againRequestSchema = z.object({
  sampling: samplingOverridesSchema.optional(),
  /** For regenerate; an answer is always continued by the model that began it. */
  model: z.string().max(300).optional(),
});
export type AgainRequest = z.infer<typeof againRequestSchema>;

export const streamEventSchema = z.discriminatedUnion('type', [
  /** First: the stored question (absent for continue and regenerate) and the empty answer. */
  z.object({ type: z.literal('start'), question: messageSchema.nullable(), answer: messageSchema }),
  z.object({ type: z.literal('delta'), text: z.string() }),
  z.object({ type: z.literal('title'), conversation: conversationSchema }),
  z.object({ type: z.literal('done'), answer: messageSchema }),
  z.object({ type: z.literal('error'), message: z.string() }),
]);
export type StreamEvent = z.infer<typeof streamEventSchema>;
