/** What the routes that use a model share: its jobs, their pieces, and who hangs up. */
import type { FinishReason } from '@parley/contracts';
import type { FastifyReply } from 'fastify';
import type { TokenUsage } from '../accounts/usage.ts';
import { type HttpError, toHttpError } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import type { Generation } from '../inference/generation.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { Accepted, Job, ModelDescription, Piece, TokenRecord } from '../inference/protocol.ts';
import type { ModelRegistry } from '../lab/registry.ts';
import { fromGeneration, openaiErrorBody } from './errors.ts';
import { merge } from './merge.ts';

export interface Models {
  pool: ModelPool;
  registry: ModelRegistry;
  usage: TokenUsage;
}

interface Asked {
  model: ModelDescription;
  jobs: Job[];
  reply: FastifyReply;
  /** The request field that holds the prompt, for errors about it. */
  param: string;
}

/**
 * Hands jobs to a model; `use` gets them when it has taken their prompts. Whoever hangs up frees the slots, and what
 * was read and written until then counts towards the account of the API key.
 * @throws HttpError
 */
export async function answer<Result>(
  { pool, usage }: Models,
  { model, jobs, reply, param }: Asked,
  use: (generations: Generation[], accepted: Accepted[]) => Promise<Result>,
): Promise<Result> {
  const { user } = reply.request;
  if (user) await usage.requireQuota(user.id);
  pool.checkCapacity(model.id, jobs.length);
  const generations = jobs.map((job) => pool.generate(model.id, job));
  let promptTokens = 0;
  let left = false;
  const cancel = () => {
    for (const generation of generations) generation.cancel();
  };
  const leave = () => {
    if (left) return;
    left = true;
    cancel();
    const tokens = promptTokens + sum(generations.map(({ drawnTokens }) => drawnTokens));
    if (user) usage.add(user.id, tokens).catch((error) => reply.log.error(error, 'tokens could not be counted'));
  };
  reply.raw.once('close', leave);
  try {
    const accepted = await Promise.all(generations.map((generation) => generation.accepted));
    promptTokens = sum(accepted.map((one) => one.promptTokens.length));
    return await use(generations, accepted);
  } catch (error) {
    cancel();
    throw fromGeneration(error, param);
  } finally {
    // A stream goes on; what is whole is over, though the client may not have it yet.
    if (!reply.sent) {
      reply.raw.off('close', leave);
      leave();
    }
  }
}

export interface Collected {
  text: string;
  /** Those whose text is in it: not the tokens of a stop string. */
  tokens: TokenRecord[];
  /** All that were drawn. */
  completionTokens: number;
  reason: FinishReason;
}

export async function collect(generation: Generation): Promise<Collected> {
  let text = '';
  let completionTokens = 0;
  const tokens: TokenRecord[] = [];
  const pieces = generation.read();
  let next = await pieces.next();
  for (; !next.done; next = await pieces.next()) {
    const piece = next.value;
    text += piece.text;
    completionTokens += piece.tokens.length;
    if (piece.text) tokens.push(...piece.tokens);
  }
  return { text, tokens, completionTokens, reason: next.value };
}

interface StreamParts {
  param: string;
  before: () => Iterable<string>;
  piece: (index: number, piece: Piece) => Iterable<string>;
  ended: (index: number, reason: FinishReason) => Iterable<string>;
  /** @param completionTokens all that were drawn, of all choices */
  after: (completionTokens: number) => Iterable<string>;
  /** Instead of what comes after, if something went wrong. */
  failed: (error: HttpError) => string;
}

/** Without [DONE] after it: a client must not take half an answer for a whole one. */
export const failedEvent = (error: HttpError): string => event(openaiErrorBody(error));

/** Streams the choices side by side, each as fast as it comes. An error ends the stream without what comes after. */
export function streamChoices(reply: FastifyReply, generations: Generation[], parts: StreamParts): Promise<void> {
  return sendEvents(reply, async function* (gone) {
    yield* parts.before();
    let completionTokens = 0;
    try {
      for await (const step of merge(generations.map((generation) => generation.read(gone)))) {
        if ('done' in step) {
          yield* parts.ended(step.index, step.done);
          continue;
        }
        completionTokens += step.value.tokens.length;
        if (step.value.text) yield* parts.piece(step.index, step.value);
      }
    } catch (error) {
      if (gone.aborted) return;
      for (const generation of generations) generation.cancel();
      yield parts.failed(toHttpError(fromGeneration(error, parts.param), reply.request));
      return;
    }
    yield* parts.after(completionTokens);
  });
}

export const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
