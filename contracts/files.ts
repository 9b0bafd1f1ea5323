/**
 * Files to ask about, under `/api`.
 *
 *   PUT    /api/files?name=                    → UploadedFile          body: the bytes, as application/octet-stream
 *   GET    /api/files/:id                      → UploadedFile
 *   DELETE /api/files/:id                      → 204
 *
 * Text (UTF-8, UTF-16, GB18030), Markdown, PDF and Word's docx; what a file is, its bytes say, not its name. Only its
 * text is kept. A file that no message uses is forgotten after a day.
 */
import { z } from 'zod';

export const largestUploadBytes = 20_000_000;
/** Characters (UTF-16 units) of a file that are kept. */
export const longestFileText = 2_000_000;
export const mostFilesPerMessage = 8;

/** Why a file could not be read. */
export const fileProblemSchema = z.enum([
  /** Neither text nor a kind of file that is read. */
  'unknown_kind',
  /** Nothing but pictures, or nothing at all. */
  'no_text',
  'encrypted',
  'damaged',
  /** Unpacked it takes more memory or time than a file may. */
  'too_large',
  'too_slow',
  /** The server ended before it was done. */
  'interrupted',
]);
export type FileProblem = z.infer<typeof fileProblemSchema>;

export const uploadedFileSchema = z.object({
  id: z.string(),
  name: z.string(),
  bytes: z.int(),
  state: z.enum(['reading', 'ready', 'failed']),
  problem: fileProblemSchema.nullable(),
  /** Of its text; 0 until it is ready. */
  characters: z.int(),
  /** Whether the text goes on beyond what is kept. */
  cut: z.boolean(),
  createdAt: z.int(),
});
export type UploadedFile = z.infer<typeof uploadedFileSchema>;

/** A file of a message. */
export const messageFileSchema = z.object({
  id: z.string(),
  name: z.string(),
  characters: z.int(),
  /** On an answer: how many of its first characters the model was given. Null on a question. */
  charactersRead: z.int().nullable(),
});
export type MessageFile = z.infer<typeof messageFileSchema>;

export const uploadQuerySchema = z.object({ name: z.string().min(1).max(255) });
