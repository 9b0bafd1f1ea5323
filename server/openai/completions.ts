/** POST /v1/completions: texts are continued as they are, without a conversation around them. */
import { type CompletionRequest, completionRequestSchema, type FinishReason } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import { event } from '../http/event-stream.ts';
import type { Accepted, ModelDescription, Piece, Reading, TextJob, TokenRecord } from '../inference/protocol.ts';
import { answer, type Collected, collect, failedEvent, type Models, streamChoices, sum } from './answering.ts';
import { drawingsOf, refuseUnsupported } from './sampling.ts';
import { TextScores } from './text-scores.ts';
import { type Envelope, newEnvelope, type Usage, usageOf } from './wire.ts';

/** OpenAI's default. */
const usualMaxTokens = 16;
const mostPrompts = 32;

export function addCompletions(app: FastifyInstance, models: Models): void {
  app.post('/completions', access('api:chat'), async (request, reply) => {
    const wanted = parseRequest(request.body);
    const model = await models.pool.model(wanted.model);
    const jobs = toJobs(wanted, model);
    const envelope = newEnvelope('cmpl', model);
    const perPrompt = wanted.n ?? 1;
    return answer(models, { model, jobs, reply, param: 'prompt' }, async (generations, accepted) => {
      const promptTokens = sum(accepted.flatMap((one, index) => (index % perPrompt ? [] : one.promptTokens.length)));
      // The first choice of a prompt has read it for all of them.
      const choices = accepted.map((_, index) => new Choice(index, wanted, accepted[index - (index % perPrompt)]!));
      if (!wanted.stream) {
        const all = await Promise.all(generations.map(collect));
        const usage = usageOf(promptTokens, sum(all.map(({ completionTokens }) => completionTokens)));
        return textCompletion(
          envelope,
          choices.map((choice, index) => choice.whole(all[index]!)),
          usage,
        );
      }
      const includeUsage = wanted.stream_options?.include_usage ?? false;
      const write = (part: ChoicePart) => event(textCompletion(envelope, [part], includeUsage ? null : undefined));
      return streamChoices(reply, generations, {
        param: 'prompt',
        before: () => choices.flatMap((choice) => choice.prompt().map(write)),
        piece: (index, piece) => [write(choices[index]!.part(piece))],
        ended: (index, reason) => [write(choices[index]!.end(reason))],
        *after(completionTokens) {
          if (includeUsage) yield event(textCompletion(envelope, [], usageOf(promptTokens, completionTokens)));
          yield event('[DONE]');
        },
        failed: failedEvent,
      });
    });
  });
}

/** @throws HttpError 400 naming the field */
function parseRequest(body: unknown): CompletionRequest {
  const request = parse(completionRequestSchema, body);
  refuseUnsupported(request, ['suffix']);
  if (request.best_of != null && request.best_of !== (request.n ?? 1)) refuseUnsupported(request, ['best_of']);
  const prompts = promptsOf(request.prompt).length;
  if (prompts > mostPrompts) {
    throw new HttpError(400, 'invalid_request', `prompt: at most ${mostPrompts} at once, not ${prompts}.`, {
      param: 'prompt',
    });
  }
  if (request.max_tokens === 0 && !request.echo) {
    throw new HttpError(400, 'invalid_request', "'max_tokens' can be 0 only with 'echo'.", { param: 'max_tokens' });
  }
  return request;
}

/** The choices of the first prompt, then those of the next. */
function toJobs(request: CompletionRequest, model: ModelDescription): TextJob[] {
  const maxTokens = request.max_tokens ?? usualMaxTokens;
  const drawings = drawingsOf(request, { count: request.n ?? 1, maxTokens: Math.max(maxTokens, 1), model });
  const reading = request.logprobs != null ? 'scores' : 'tokens';
  return promptsOf(request.prompt).flatMap((prompt) =>
    drawings.map(({ sampling, adjustments }, choice) => ({
      prompt,
      readSpecialTokens: true,
      reading: request.echo && choice === 0 ? reading : null,
      sampling: maxTokens === 0 ? null : sampling,
      adjustments,
      topLogProbabilities: request.logprobs ?? null,
    })),
  );
}

function promptsOf(prompt: CompletionRequest['prompt']): (string | number[])[] {
  if (prompt == null || typeof prompt === 'string') return [prompt ?? ''];
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as (string | number[])[]);
}

interface ChoicePart {
  text: string;
  index: number;
  logprobs: ReturnType<TextScores['take']> | null;
  finish_reason: FinishReason | null;
}

/** One choice as it is put together: the prompt if it is to be echoed, then what the model writes. */
class Choice {
  readonly #index: number;
  readonly #request: CompletionRequest;
  readonly #accepted: Accepted;
  readonly #scores: TextScores | null;

  constructor(index: number, request: CompletionRequest, accepted: Accepted) {
    this.#index = index;
    this.#request = request;
    this.#accepted = accepted;
    this.#scores = request.logprobs == null ? null : new TextScores();
  }

  whole({ text, tokens, reason }: Collected): ChoicePart {
    const logprobs = this.#scores?.take([...this.#promptTokens, ...scored(tokens)]) ?? null;
    return { text: this.#promptText + text, index: this.#index, logprobs, finish_reason: this.#ending(reason) };
  }

  /** The parts of a stream that come before anything is written. */
  prompt(): ChoicePart[] {
    if (!this.#request.echo) return [];
    const logprobs = this.#scores?.take(this.#promptTokens) ?? null;
    return [{ text: this.#promptText, index: this.#index, logprobs, finish_reason: null }];
  }

  part({ text, tokens }: Piece): ChoicePart {
    const logprobs = this.#scores?.take(scored(tokens)) ?? null;
    return { text, index: this.#index, logprobs, finish_reason: null };
  }

  end(reason: FinishReason): ChoicePart {
    return { text: '', index: this.#index, logprobs: null, finish_reason: this.#ending(reason) };
  }

  get #promptTokens() {
    return this.#accepted.reading?.tokens ?? [];
  }

  get #promptText(): string {
    return Buffer.from(this.#promptTokens.flatMap(({ bytes }) => bytes)).toString();
  }

  #ending(reason: FinishReason): FinishReason {
    return this.#request.max_tokens === 0 && reason === 'stop' ? 'length' : reason;
  }
}

const scored = (tokens: TokenRecord[]): Reading['tokens'] =>
  tokens.flatMap(({ logProbability, alternatives }) =>
    logProbability ? [{ bytes: logProbability.bytes, logProbability, alternatives }] : [],
  );

/** @param usage undefined: the key is left out */
function textCompletion(envelope: Envelope, choices: ChoicePart[], usage: Usage | null | undefined) {
  return { ...envelope, object: 'text_completion', choices, ...(usage !== undefined && { usage }) };
}
