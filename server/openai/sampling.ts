/** From the parameters of a request to how its tokens are drawn, and what is refused on the way. */
import { randomInt } from 'node:crypto';
import { type OpenaiDrawing, type Sampling, samplingSchema } from '@parley/contracts';
import type { LogitAdjustments } from '@parley/lm/generate';
import { HttpError } from '../http/errors.ts';
import type { ModelDescription } from '../inference/protocol.ts';

const seeds = 2 ** 31;

interface Drawing {
  sampling: Sampling;
  adjustments?: LogitAdjustments;
}

/**
 * The sampling of `count` choices: what was asked for, else what the model recommends, else the defaults. Choices
 * differ by their seeds, in a row, so that a seed reproduces all of them.
 */
export function drawingsOf(
  request: OpenaiDrawing,
  { count, maxTokens, model }: { count: number; maxTokens: number; model: ModelDescription },
): Drawing[] {
  const { temperature, top_p, top_k, min_p, repetition_penalty, seed } = request;
  const stop = typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []);
  const asked = {
    temperature,
    topP: top_p,
    topK: top_k,
    minP: min_p,
    repetitionPenalty: repetition_penalty,
    // No answer is longer than the context.
    maxTokens: Math.min(maxTokens, model.context),
    stop: stop.filter((text) => text !== ''),
  };
  const given = Object.entries(asked).filter(([, value]) => value != null);
  const sampling = samplingSchema.parse({ ...model.sampling, ...Object.fromEntries(given) });
  const first = seed == null ? randomInt(seeds) : ((seed % seeds) + seeds) % seeds;
  const adjustments = adjustmentsOf(request);
  return Array.from({ length: count }, (_, index) => ({
    sampling: { ...sampling, seed: (first + index) % seeds },
    ...(adjustments && { adjustments }),
  }));
}

function adjustmentsOf({ logit_bias, presence_penalty, frequency_penalty }: OpenaiDrawing): LogitAdjustments | null {
  const bias = Object.entries(logit_bias ?? {}).map(([id, value]) => [Number(id), value] as const);
  const [presencePenalty, frequencyPenalty] = [presence_penalty ?? 0, frequency_penalty ?? 0];
  if (bias.length === 0 && presencePenalty === 0 && frequencyPenalty === 0) return null;
  return { bias, presencePenalty, frequencyPenalty };
}

/**
 * Better an error than an answer that silently lacks what was asked for. What is null, or an empty list or object,
 * was not asked for.
 * @throws HttpError 400
 */
export function refuseUnsupported(request: Record<string, unknown>, params: readonly string[]): void {
  for (const param of params) {
    if (isAskedFor(request[param])) {
      throw new HttpError(400, 'unsupported_parameter', `'${param}' is not supported by this server.`, { param });
    }
  }
}

function isAskedFor(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== '' && value !== false;
}

/** @throws HttpError 400 for a format other than text */
export function refuseFormat(format: unknown, param: string): void {
  const type = (format as { type?: unknown } | null | undefined)?.type;
  if (type === undefined || type === 'text') return;
  throw new HttpError(400, 'unsupported_parameter', `'${param}' other than text is not supported by this server.`, {
    param,
  });
}
