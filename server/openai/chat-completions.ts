/** POST /v1/chat/completions. */
import { type ChatCompletionRequest, chatCompletionRequestSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import { event } from '../http/event-stream.ts';
import type { ChatJob, ModelDescription } from '../inference/protocol.ts';
import { answer, collect, failedEvent, type Models, streamChoices, sum } from './answering.ts';
import { chunk, completion, usageChunk } from './chat-wire.ts';
import { toChatMessage } from './content.ts';
import { drawingsOf, refuseFormat, refuseUnsupported } from './sampling.ts';
import { newEnvelope, usageOf } from './wire.ts';

export function addChatCompletions(app: FastifyInstance, models: Models): void {
  app.post('/chat/completions', access('api:chat'), async (request, reply) => {
    const wanted = parseRequest(request.body);
    const model = await models.pool.model(wanted.model);
    const jobs = toJobs(wanted, model);
    const envelope = newEnvelope('chatcmpl', model);
    const withScores = wanted.logprobs ?? false;
    return answer(models, { model, jobs, reply, param: 'messages' }, async (generations, accepted) => {
      const promptTokens = accepted[0]!.promptTokens.length;
      if (!wanted.stream) {
        const choices = await Promise.all(generations.map(collect));
        const usage = usageOf(promptTokens, sum(choices.map(({ completionTokens }) => completionTokens)));
        return completion(envelope, choices, usage, withScores);
      }
      const includeUsage = wanted.stream_options?.include_usage ?? false;
      // With the usage asked for, every chunk has the key and only the last one the figures.
      const noUsage = includeUsage ? { usage: null } : {};
      const write = (fields: Parameters<typeof chunk>[1]) => event({ ...chunk(envelope, fields), ...noUsage });
      return streamChoices(reply, generations, {
        param: 'messages',
        before: () => jobs.map((_, index) => write({ index, delta: { role: 'assistant', content: '' } })),
        piece: (index, { text, tokens }) => [
          write({ index, delta: { content: text }, tokens: withScores ? tokens : null }),
        ],
        ended: (index, reason) => [write({ index, delta: {}, reason })],
        *after(completionTokens) {
          if (includeUsage) yield event(usageChunk(envelope, usageOf(promptTokens, completionTokens)));
          yield event('[DONE]');
        },
        failed: failedEvent,
      });
    });
  });
}

/** @throws HttpError 400 naming the field */
function parseRequest(body: unknown): ChatCompletionRequest {
  const request = parse(chatCompletionRequestSchema, body);
  refuseUnsupported(request, ['tools', 'functions']);
  refuseFormat(request.response_format, 'response_format');
  if (request.top_logprobs != null && !request.logprobs) {
    throw new HttpError(400, 'invalid_request', "'top_logprobs' needs 'logprobs' to be true.", {
      param: 'top_logprobs',
    });
  }
  return request;
}

/** One job per choice. */
function toJobs(request: ChatCompletionRequest, model: ModelDescription): ChatJob[] {
  // Without a limit an answer may fill the context.
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? model.context;
  const messages = request.messages.map((message, index) => toChatMessage(message, `messages[${index}].content`));
  return drawingsOf(request, { count: request.n ?? 1, maxTokens, model }).map((drawing) => ({
    ...drawing,
    messages,
    answer: [],
    dropOldestTurns: false,
    topLogProbabilities: request.logprobs ? (request.top_logprobs ?? 0) : null,
  }));
}
