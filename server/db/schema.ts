/** The tables as Kysely sees them. Times are epoch milliseconds, ids are UUIDv7. */
import type { DraftPair, Feedback, Message, UploadedFile } from '@parley/contracts';
import type { Generated } from 'kysely';
import type { AssistantTables } from '../assistants/tables.ts';
import type { LabTables } from '../lab/tables.ts';
import type { SafetyTables } from '../safety/tables.ts';
import type { WorkbenchTables } from '../workbench/tables.ts';
import type { AccountTables } from './account-tables.ts';

export interface ConversationRow {
  id: string;
  owner_id: string;
  assistant_id: string | null;
  title: string;
  /** Null: not pinned. */
  pinned_at: number | null;
  created_at: number;
  updated_at: number;
}

export interface MessageRow {
  id: string;
  conversation_id: string;
  parent_id: string | null;
  role: Message['role'];
  content: string;
  status: Message['status'];
  model_name: string | null;
  weights_hash: string | null;
  dropped_turns: number;
  created_at: number;
  updated_at: number;
}

interface GenerationRow {
  id: string;
  message_id: string;
  model_name: string | null;
  weights_hash: string | null;
  /** JSON of the whole `Sampling`. */
  sampling: string;
  seed: number;
  /** Null until the model has taken the prompt. */
  prompt_tokens: TokenColumn | null;
  answer_tokens: TokenColumn;
  /** The first so many answer tokens were drawn by earlier generations of the message; the prompt ends with them. */
  continued_tokens: number;
  dropped_turns: number;
  finish_reason: string | null;
  created_at: number;
  finished_at: number | null;
}

interface AnswerLogRow {
  /** Counts up while the server runs. */
  flush: number;
  /** JSON of what it added to which answers; see chat/answer-log.ts. */
  entries: string;
}

export interface FeedbackRow {
  id: string;
  message_id: string;
  user_id: string;
  thumb: Feedback['thumb'];
  comment: string;
  /** JSON of the list of reasons. */
  reasons: string;
  better_answer: string;
  model_name: string | null;
  weights_hash: string | null;
  created_at: number;
  updated_at: number;
}

export interface DraftPairRow {
  id: string;
  user_id: string;
  conversation_id: string;
  left_message_id: string;
  right_message_id: string;
  choice: DraftPair['choice'];
  created_at: number;
  chosen_at: number | null;
}

export interface FileRow {
  id: string;
  owner_id: string;
  name: string;
  bytes: number;
  state: UploadedFile['state'];
  problem: UploadedFile['problem'];
  characters: number;
  cut: number;
  text: string;
  created_at: number;
}

interface MessageFileRow {
  message_id: string;
  file_id: string;
  position: number;
  /** On an answer: how many of its first characters were in the prompt. Null on a question. */
  characters_read: number | null;
}

export interface ShareRow {
  id: string;
  conversation_id: string;
  token: string;
  title: string;
  /** JSON of the branch as it was: `SharedConversation['messages']`. */
  messages: string;
  message_count: number;
  created_at: number;
}

export interface Tables extends AccountTables, AssistantTables, LabTables, SafetyTables, WorkbenchTables {
  conversations: Omit<ConversationRow, 'assistant_id' | 'pinned_at'> & {
    assistant_id: Generated<string | null>;
    pinned_at: Generated<number | null>;
  };
  answer_log: AnswerLogRow;
  shares: ShareRow;
  files: FileRow;
  message_files: MessageFileRow;
  messages: MessageRow;
  generations: GenerationRow;
  feedback: FeedbackRow;
  draft_pairs: DraftPairRow;
}

/** Token ids as they are stored: little-endian uint32. libsql takes a Buffer and gives an ArrayBuffer back. */
export type TokenColumn = Buffer | ArrayBuffer;

export function packTokens(tokens: readonly number[]): TokenColumn {
  const bytes = Buffer.alloc(tokens.length * 4);
  tokens.forEach((token, index) => {
    bytes.writeUInt32LE(token, index * 4);
  });
  return bytes;
}

export function unpackTokens(column: TokenColumn): number[] {
  const bytes = Buffer.isBuffer(column) ? column : Buffer.from(column);
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4));
}
