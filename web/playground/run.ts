/** Runs a request of the playground and reads the answer with the scores of its tokens. */
import { chatCompletionChunkSchema, completionChunkSchema, type OpenaiUsage } from '@parley/contracts';
import { z } from 'zod';
import { readEvents } from '../api/event-stream.ts';
import { ConnectionError, jsonBody, RequestError, send } from '../api/request.ts';
import type { ApiRequest } from './playground-state.ts';

export interface ScoredToken {
  /** One that is part of a character only is written as `bytes:\xe4\xbd`. */
  text: string;
  /** In nats; null for the first token of a text, which nothing comes before. */
  logProbability: number | null;
  /** The most likely tokens of that place, best first. */
  alternatives: { text: string; logProbability: number }[];
}

export interface Piece {
  text: string;
  tokens: ScoredToken[];
  finishReason: string | null;
  usage: OpenaiUsage | null;
}

const alternatives = 8;
const streaming = { stream: true, stream_options: { include_usage: true } };
const brokenOffSchema = z.object({ error: z.object({ message: z.string(), code: z.string().nullable() }) });

/**
 * @param scorePrompt completions only: whether the prompt comes first, scored like what follows it
 * @throws RequestError, ConnectionError, AbortError
 */
export async function* run(
  { path, body }: ApiRequest,
  scorePrompt: boolean,
  signal: AbortSignal,
): AsyncGenerator<Piece, void> {
  const chat = path === '/v1/chat/completions';
  const scores = chat ? { logprobs: true, top_logprobs: alternatives } : { logprobs: alternatives, echo: scorePrompt };
  const init = { method: 'POST', signal, ...jsonBody({ ...body, ...streaming, ...scores }) };
  const response = await send(path, init);
  if (!response.body) throw new ConnectionError('The server sent no body.');
  for await (const { data } of readEvents(response.body)) {
    if (data === '[DONE]') return;
    const json: unknown = JSON.parse(data);
    const broken = brokenOffSchema.safeParse(json);
    if (broken.success) throw new RequestError(500, broken.data.error.code ?? 'unknown', broken.data.error.message);
    yield chat ? chatPiece(json) : textPiece(json);
  }
  throw new ConnectionError('The stream ended in mid-answer.');
}

function chatPiece(json: unknown): Piece {
  const { choices, usage } = chatCompletionChunkSchema.parse(json);
  const [choice] = choices;
  const tokens = (choice?.logprobs?.content ?? []).map(({ token, logprob, top_logprobs: top }) => ({
    text: token,
    logProbability: logprob,
    alternatives: top.map((other) => ({ text: other.token, logProbability: other.logprob })),
  }));
  return {
    text: choice?.delta.content ?? '',
    tokens,
    finishReason: choice?.finish_reason ?? null,
    usage: usage ?? null,
  };
}

function textPiece(json: unknown): Piece {
  const { choices, usage } = completionChunkSchema.parse(json);
  const [choice] = choices;
  const scores = choice?.logprobs;
  const tokens = (scores?.tokens ?? []).map((text, index) => ({
    text,
    logProbability: scores?.token_logprobs[index] ?? null,
    alternatives: Object.entries(scores?.top_logprobs[index] ?? {})
      .map(([other, logProbability]) => ({ text: other, logProbability }))
      // Keys that are whole numbers come first in an object, whatever order they were written in.
      .sort((one, other) => other.logProbability - one.logProbability),
  }));
  return { text: choice?.text ?? '', tokens, finishReason: choice?.finish_reason ?? null, usage: usage ?? null };
}
