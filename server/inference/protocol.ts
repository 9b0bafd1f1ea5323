/**
 * What the HTTP process and the inference worker say to each other, over Node's IPC channel.
 * Every message about an answer carries the id that the HTTP process gave it.
 */
import type { ChatMessage, FinishReason, Manifest, Sampling, SamplingOverrides } from '@parley/contracts';

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

export interface Job {
  messages: ChatMessage[];
  /** Tokens of an unfinished answer to go on from; empty for a new answer. */
  answer: number[];
  /** When the context is full: drop the oldest turns (true), or refuse (false). */
  dropOldestTurns: boolean;
  sampling: Sampling;
  /** Alternatives to report per token (0 reports the drawn token only); null reports no log-probabilities. */
  topLogProbabilities: number | null;
}

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

export interface Accepted {
  /** Exactly what the model is given, the tokens of the answer to go on from included. */
  promptTokens: number[];
  droppedTurns: number;
}

export type RefusalCode = 'context_length_exceeded' | 'internal_error';

export type ToWorker = { type: 'generate'; id: number; job: Job } | { type: 'cancel'; id: number };

export type FromWorker =
  | { type: 'ready'; model: ModelDescription }
  | { type: 'failed'; message: string }
  | { type: 'load'; active: number; queued: number }
  | ({ type: 'accepted'; id: number } & Accepted)
  | ({ type: 'piece'; id: number } & Piece)
  | { type: 'finished'; id: number; reason: FinishReason }
  | { type: 'refused'; id: number; code: RefusalCode; message: string };
