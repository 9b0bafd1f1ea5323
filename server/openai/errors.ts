/** Errors in OpenAI's shape, with the types and codes that its clients branch on. */
import type { OpenaiError } from '@parley/contracts';
import { HttpError } from '../http/errors.ts';
import { InterruptedError, RefusedError } from '../inference/generation.ts';

/** OpenAI has no code for these: a bad value is told by its param, a missing key by its status. */
const withoutCode = ['invalid_request', 'missing_api_key'];

export function openaiErrorBody(error: HttpError): OpenaiError {
  return {
    error: {
      message: error.message,
      type: typeOf(error),
      param: error.param,
      code: withoutCode.includes(error.code) ? null : error.code,
    },
  };
}

/**
 * What became of an answer that the model did not write.
 * @param param the request field that holds the prompt
 */
export function fromGeneration(error: unknown, param: string): unknown {
  if (error instanceof InterruptedError) {
    return new HttpError(503, 'interrupted', error.message, { retryAfterSeconds: 1 });
  }
  if (!(error instanceof RefusedError)) return error;
  const { code, message } = error;
  if (code === 'context_length_exceeded') return new HttpError(400, code, message, { param });
  const invalid = (name: string) => new HttpError(400, 'invalid_request', `${name}: ${message}`, { param: name });
  if (code === 'invalid_prompt') return invalid(param);
  if (code === 'invalid_logit_bias') return invalid('logit_bias');
  return new HttpError(500, code, message);
}

function typeOf({ statusCode, code }: HttpError): string {
  if (statusCode === 429) return code === 'insufficient_quota' ? code : 'rate_limit_exceeded';
  return statusCode >= 500 ? 'server_error' : 'invalid_request_error';
}
