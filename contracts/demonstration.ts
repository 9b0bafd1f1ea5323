/** A conversation to learn from: one JSON object a line in a `.jsonl` file. */
import { z } from 'zod';

export const roleSchema = z.enum(['system', 'user', 'assistant']);
export type Role = z.infer<typeof roleSchema>;

export const chatMessageSchema = z.object({ role: roleSchema, content: z.string() });
export type ChatMessage = z.infer<typeof chatMessageSchema>;

export const demonstrationSchema = z.object({
  /** Stable within a data set. */
  id: z.string(),
  /** Who wrote it, where people did. */
  author: z.string().optional(),
  /** Ends with an assistant turn; loss is taken on assistant turns only. */
  messages: z.array(chatMessageSchema).min(2),
  language: z.enum(['en', 'zh', 'mixed']),
  /** Task name, e.g. 'arithmetic', 'spelling', 'dialogue'; the report has one row per task. */
  task: z.string(),
  /** Name of the source in the data card. */
  source: z.string(),
  /**
   * For tasks with known answers: the accepted final answers, compared exactly after trimming and
   * case folding. Absent for open dialogue.
   */
  answers: z.array(z.string()).optional(),
});
export type Demonstration = z.infer<typeof demonstrationSchema>;
