/**
 * What the HTTP process and the inference worker say to each other, over Node's IPC channel.
 * What is said about an answer carries the id that the HTTP process gave it.
 */
import type { ChatMessage, FinishReason, Manifest, Sampling, SamplingOverrides } from '@parley/contracts';
import type { LogitAdjustments } from '@parley/lm/generate';

/** What is known of a loaded model. */
export interface ModelDescription {
  /** What clients ask for it by; of a model that is not registered, the manifest's name. */
  id: string;
  parameters: number;
  /** Longest context in tokens. */
  context: number;
  weightsHash: string;
  /** Epoch milliseconds. */
  createdAt: number;
  /** Answers that are written at once. */
  slots: number;
  /** Sampling that the model's generation_config.json recommends. */
  sampling: SamplingOverrides;
  manifest: Manifest;
}

/** A turn of a conversation to be written. */
export interface ChatJob {
  messages: ChatMessage[];
  /** Found in documents, best first: as many as fit are put into the system message. */
  passages?: string[];
  /** Files to be read with the newest question, as far as there is room. */
  documents?: { name: string; text: string }[];
  /** Tokens of an unfinished answer to go on from; empty for a new answer. */
  answer: number[];
  /** When the context is full: drop the oldest turns (true), or refuse (false). */
  dropOldestTurns: boolean;
  sampling: Sampling;
  adjustments?: LogitAdjustments;
  /** Alternatives to report per token (0 reports the drawn token only); null reports no log-probabilities. */
  topLogProbabilities: number | null;
}

/** A text to be read, and gone on from if there is a sampling. */
export interface TextJob {
  /** In text, special tokens are read as such if `readSpecialTokens`; an empty one is the beginning of a document. */
  prompt: string | number[];
  readSpecialTokens: boolean;
  /** What is wanted of the prompt itself: its tokens, those with their scores, or its place among texts. */
  reading: 'tokens' | 'scores' | 'embedding' | null;
  sampling: Sampling | null;
  adjustments?: LogitAdjustments;
  /** Also for the scores of the prompt. */
  topLogProbabilities: number | null;
}

export type Job = ChatJob | TextJob;

export interface TokenLogProbability {
  /** The token's own bytes, which may be part of a character. */
  bytes: number[];
  /** Natural logarithm, before temperature and truncation. */
  logProbability: number;
}

/** A drawn token. */
export interface TokenRecord {
  id: number;
  logProbability?: TokenLogProbability;
  alternatives?: TokenLogProbability[];
}

/** Whole characters that can no longer become part of a stop string, and the tokens drawn since the last piece. */
export interface Piece {
  text: string;
  tokens: TokenRecord[];
}

/** What the model makes of a prompt. */
export interface Reading {
  /** Empty if an embedding was asked for; log-probabilities only if scores were, and none for the first token. */
  tokens: (Pick<TokenLogProbability, 'bytes'> & Partial<Omit<TokenRecord, 'id'>>)[];
  /** Of length 1; empty if not asked for. */
  embedding: number[];
}

export interface Accepted {
  /** Exactly what the model is given, the tokens of the answer to go on from included. */
  promptTokens: number[];
  droppedTurns: number;
  /** The first so many of a chat job's passages are in the prompt. */
  usedPassages?: number;
  /** What was wanted of a text job's prompt. */
  reading?: Reading;
  /** Of each document: how many of its first characters are in the prompt. */
  charactersRead?: number[];
}

export type RefusalCode = 'context_length_exceeded' | 'invalid_prompt' | 'invalid_logit_bias' | 'internal_error';

export type ToWorker = { type: 'generate'; id: number; job: Job } | { type: 'cancel'; id: number };

export type FromWorker =
  | { type: 'ready'; model: ModelDescription }
  | { type: 'failed'; message: string }
  | { type: 'load'; active: number; queued: number }
  | ({ type: 'accepted'; id: number } & Accepted)
  | { type: 'pieces'; pieces: ({ id: number } & Piece)[] }
  | { type: 'finished'; id: number; reason: FinishReason }
  | { type: 'refused'; id: number; code: RefusalCode; message: string };
