/**
 * Keeping, finding and passing on conversations, under `/api`.
 *
 *   GET    /api/search?q=                      → { results: SearchResult[] }      newest first, at most 50
 *   GET    /api/conversations/:id/shares       → { shares: Share[] }              newest first
 *   POST   /api/conversations/:id/shares       → Share                            body: ShareRequest
 *   DELETE /api/shares/:id                     → 204                              the link shows nothing any more
 *   GET    /api/shared/:token                  → SharedConversation               for anybody who has the link
 *   GET    /api/conversations/:id/export       → ConversationExport               as a file
 *   GET    /api/export                         → ConversationExport               all conversations, as a file
 *   POST   /api/import                         → { conversations: Conversation[] } body: ConversationExport
 */
import { z } from 'zod';
import { messageSchema } from './chat.ts';

/** A piece of a text around what was searched for, cut so that the places found are parts of their own. */
export const snippetSchema = z.array(z.object({ text: z.string(), found: z.boolean() }));
export type Snippet = z.infer<typeof snippetSchema>;

export const searchQuerySchema = z.object({ q: z.string().trim().min(1).max(200) });

export const searchResultSchema = z.object({
  conversationId: z.string(),
  title: z.string(),
  /** The message in which it was found; null if it was in the title. */
  messageId: z.string().nullable(),
  role: messageSchema.shape.role.nullable(),
  snippet: snippetSchema,
  createdAt: z.int(),
});
export type SearchResult = z.infer<typeof searchResultSchema>;

export const shareRequestSchema = z.object({
  /** The last message of the branch to show. */
  leafId: z.string(),
});
export const shareSchema = z.object({
  id: z.string(),
  conversationId: z.string(),
  /** The link is `/share/` and this: 192 random bits. */
  token: z.string(),
  messages: z.int(),
  createdAt: z.int(),
});
export type Share = z.infer<typeof shareSchema>;

/** A branch as it was when it was shared. Says nothing of whose it is. */
export const sharedConversationSchema = z.object({
  title: z.string(),
  messages: z.array(messageSchema.pick({ id: true, role: true, content: true, createdAt: true, model: true })),
  createdAt: z.int(),
});
export type SharedConversation = z.infer<typeof sharedConversationSchema>;

const longestContent = 1_000_000;

export const exportedMessageSchema = z.object({
  /** Unique within its conversation; messages get new ids when they are imported. */
  id: z.string().min(1).max(100),
  parentId: z.string().max(100).nullable(),
  role: messageSchema.shape.role,
  content: z.string().max(longestContent),
  createdAt: z.int().min(0).max(8.64e15),
  status: messageSchema.shape.status,
  model: z.string().max(300).nullable(),
  /** Kept in the file but not imported: a thumb is about an answer that was written here. */
  feedback: messageSchema.shape.feedback.optional(),
});
export type ExportedMessage = z.infer<typeof exportedMessageSchema>;

export const conversationExportSchema = z.object({
  format: z.literal('parley.conversations'),
  version: z.literal(1),
  exportedAt: z.int(),
  conversations: z
    .array(
      z.object({
        title: z.string().max(200),
        pinned: z.boolean().default(false),
        createdAt: z.int().min(0).max(8.64e15),
        updatedAt: z.int().min(0).max(8.64e15),
        /** The tree; parents come before their children. */
        messages: z.array(exportedMessageSchema).max(100_000),
      }),
    )
    .max(10_000),
});
export type ConversationExport = z.infer<typeof conversationExportSchema>;
