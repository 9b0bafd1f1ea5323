/** From a chat completion request to the jobs of its choices. */
import { randomInt } from 'node:crypto';
import {
  type ChatCompletionRequest,
  type ChatMessage,
  chatCompletionRequestSchema,
  type Sampling,
  samplingSchema,
} from '@parley/contracts';
import { HttpError, parse } from '../http/errors.ts';
import type { Job, ModelDescription } from '../inference/protocol.ts';

const seeds = 2 ** 31;

export interface ChatCompletion {
  /** One per choice. */
  jobs: Job[];
  stream: boolean;
  includeUsage: boolean;
}

/** @throws HttpError 400 naming the field */
export function parseChatCompletion(body: unknown): ChatCompletionRequest {
  const request = parse(chatCompletionRequestSchema, body);
  refuseUnsupported(request);
  return request;
}

/** @throws HttpError 400 naming the field */
export function toJobs(request: ChatCompletionRequest, model: ModelDescription): ChatCompletion {
  const sampling = samplingOf(request, model);
  const job = {
    messages: request.messages.map(toChatMessage),
    answer: [],
    dropOldestTurns: false,
    topLogProbabilities: request.logprobs ? (request.top_logprobs ?? 0) : null,
  };
  return {
    // Choices differ by their seeds, in a row, so that a seed reproduces all of them.
    jobs: Array.from({ length: request.n ?? 1 }, (_, index) => ({
      ...job,
      sampling: { ...sampling, seed: (sampling.seed + index) % seeds },
    })),
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
  };
}

/** Better an error than an answer that silently lacks what was asked for. */
function refuseUnsupported(request: ChatCompletionRequest): void {
  const used = (value: unknown) =>
    typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : false;
  for (const param of ['tools', 'functions', 'logit_bias']) {
    if (used(request[param])) {
      throw new HttpError(400, 'unsupported_parameter', `'${param}' is not supported by this server.`, { param });
    }
  }
  const format = (request.response_format as { type?: unknown } | null | undefined)?.type;
  if (format !== undefined && format !== 'text') {
    throw new HttpError(
      400,
      'unsupported_parameter',
      "'response_format' other than text is not supported by this server.",
      {
        param: 'response_format',
      },
    );
  }
  if (request.top_logprobs != null && !request.logprobs) {
    throw new HttpError(400, 'invalid_request', "'top_logprobs' needs 'logprobs' to be true.", {
      param: 'top_logprobs',
    });
  }
}

function toChatMessage(message: ChatCompletionRequest['messages'][number], index: number): ChatMessage {
  return {
    role: message.role === 'developer' ? 'system' : message.role,
    content: textOf(message.content, index),
  };
}

function textOf(content: ChatCompletionRequest['messages'][number]['content'], message: number): string {
  if (typeof content === 'string') return content;
  const texts = content.map(({ type, text }, part) => {
    if (type === 'text' && text !== undefined) return text;
    const param = `messages[${message}].content[${part}]`;
    throw new HttpError(400, 'unsupported_content', `${param}: this model reads text only, not '${type}'.`, { param });
  });
  return texts.join('\n');
}

function samplingOf(request: ChatCompletionRequest, model: ModelDescription): Sampling {
  const { temperature, top_p, top_k, min_p, repetition_penalty, seed } = request;
  const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
  const asked = {
    temperature,
    topP: top_p,
    topK: top_k,
    minP: min_p,
    repetitionPenalty: repetition_penalty,
    // Without a limit an answer may fill the context, and no answer is longer.
    maxTokens: Math.min(request.max_completion_tokens ?? request.max_tokens ?? model.context, model.context),
    stop: stop.filter((text) => text !== ''),
    seed: seed == null ? randomInt(seeds) : ((seed % seeds) + seeds) % seeds,
  };
  const given = Object.entries(asked).filter(([, value]) => value != null);
  return samplingSchema.parse({ ...model.sampling, ...Object.fromEntries(given) });
}
