import type { TFunction } from 'i18next';
import { RequestError } from '../api/request.ts';
import { errorText } from '../chat/error-text.ts';

const told = [
  'sign_in_failed',
  'account_disabled',
  'registration_closed',
  'email_taken',
  'password_too_common',
  'password_wrong',
  'link_invalid',
  'rate_limit_exceeded',
  'last_administrator',
  'too_many_keys',
] as const;

/** Why the server refused, in the person's language. */
export function refusalText(t: TFunction, error: Error): string {
  const code = error instanceof RequestError ? told.find((known) => known === error.code) : undefined;
  return code ? t(`refusal.${code}`) : errorText(t, error);
}
