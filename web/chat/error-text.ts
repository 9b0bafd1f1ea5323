import type { TFunction } from 'i18next';
import { ConnectionError, RequestError } from '../api/request.ts';
import { AnswerError } from './answer-streams.ts';

/** What a failure means to the person. */
export function errorText(t: TFunction, error: Error): string {
  if (error instanceof ConnectionError) return t('error.connection');
  if (error instanceof RequestError && (error.status === 429 || error.status === 503)) return t('error.busy');
  if (error instanceof RequestError && error.code === 'refused_by_filter') return t('safety.refused');
  if (error instanceof RequestError || error instanceof AnswerError) return error.message;
  return t('error.unexpected');
}
