/** Errors in OpenAI's shape, with the types and codes that its clients branch on. */
import type { OpenaiError } from '@parley/contracts';
import { HttpError } from '../http/errors.ts';
import { InterruptedError, RefusedError } from '../inference/generation.ts';

export function openaiErrorBody(error: HttpError): OpenaiError {
  return {
    error: {
      message: error.message,
      type: error.statusCode >= 500 ? 'server_error' : 'invalid_request_error',
      param: error.param,
      // A bad value is told by its param; clients know codes for the other cases.
      code: error.code === 'invalid_request' ? null : error.code,
    },
  };
}

/** What became of an answer that the model did not write. */
export function fromGeneration(error: unknown): unknown {
  if (error instanceof RefusedError && error.code === 'context_length_exceeded') {
    return new HttpError(400, error.code, error.message, { param: 'messages' });
  }
  if (error instanceof RefusedError) return new HttpError(500, error.code, error.message);
  if (error instanceof InterruptedError) {
    return new HttpError(503, 'interrupted', error.message, { retryAfterSeconds: 1 });
  }
  return error;
}
