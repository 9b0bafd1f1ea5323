/** The routes of contracts/accounts.ts as functions, and what the page reads of them as queries. */
import {
  type Account,
  accountSchema,
  administeredAccountSchema,
  apiKeySchema,
  auditEntrySchema,
  type ChangeAccountRequest,
  type ChangePasswordRequest,
  type InviteRequest,
  type NewApiKeyRequest,
  newApiKeySchema,
  passwordLinkSchema,
  profileSchema,
  type RegisterRequest,
  type Settings,
  type SignInRequest,
  sessionEntrySchema,
  sessionSchema,
  settingsSchema,
  type UseResetRequest,
} from '@parley/contracts';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { z } from 'zod';
import { jsonBody, RequestError, request, requestNothing } from './request.ts';

const post = (body: unknown): RequestInit => ({ method: 'POST', ...jsonBody(body) });

export const signIn = (body: SignInRequest): Promise<Account> => request('/api/session', accountSchema, post(body));
export const signOut = (): Promise<void> => requestNothing('/api/session', { method: 'DELETE' });
export const register = (body: RegisterRequest): Promise<Account> =>
  request('/api/accounts', accountSchema, post(body));
export const askForPassword = (email: string): Promise<void> => requestNothing('/api/password-resets', post({ email }));
export const choosePassword = (body: UseResetRequest): Promise<void> =>
  requestNothing('/api/password-resets/use', post(body));

export const renameAccount = (name: string) =>
  request('/api/account', profileSchema, { method: 'PATCH', ...jsonBody({ name }) });
export const deleteAccount = (password: string): Promise<void> =>
  requestNothing('/api/account', { method: 'DELETE', ...jsonBody({ password }) });
export const changePassword = (body: ChangePasswordRequest): Promise<void> =>
  requestNothing('/api/account/password', { method: 'PUT', ...jsonBody(body) });
export const endSession = (id: string): Promise<void> =>
  requestNothing(`/api/account/sessions/${id}`, { method: 'DELETE' });
export const endOtherSessions = (): Promise<void> => requestNothing('/api/account/sessions', { method: 'DELETE' });
export const createKey = (body: NewApiKeyRequest) => request('/api/account/keys', newApiKeySchema, post(body));
export const revokeKey = (id: string): Promise<void> => requestNothing(`/api/account/keys/${id}`, { method: 'DELETE' });

const administered = '/api/administration/accounts';
export const invite = (body: InviteRequest) => request(administered, passwordLinkSchema, post(body));
export const changeAccount = (id: string, body: ChangeAccountRequest) =>
  request(`${administered}/${id}`, administeredAccountSchema, { method: 'PATCH', ...jsonBody(body) });
export const deleteAccountOf = (id: string): Promise<void> =>
  requestNothing(`${administered}/${id}`, { method: 'DELETE' });
export const makePasswordLink = (id: string) =>
  request(`${administered}/${id}/password-link`, passwordLinkSchema, post({}));
export const changeSettings = (settings: Settings) =>
  request('/api/administration/settings', settingsSchema, { method: 'PUT', ...jsonBody(settings) });

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => request('/api/session', sessionSchema, { signal }),
  staleTime: 60_000,
  retry: (failures, error) => failures < 3 && !(error instanceof RequestError && error.status < 500),
});

export const profileQuery = queryOptions({
  queryKey: ['account'],
  queryFn: ({ signal }) => request('/api/account', profileSchema, { signal }),
});

const sessionsSchema = z.object({ sessions: z.array(sessionEntrySchema) });
export const sessionsQuery = queryOptions({
  queryKey: ['account', 'sessions'],
  queryFn: async ({ signal }) => (await request('/api/account/sessions', sessionsSchema, { signal })).sessions,
});

const keysSchema = z.object({ keys: z.array(apiKeySchema) });
export const keysQuery = queryOptions({
  queryKey: ['account', 'keys'],
  queryFn: async ({ signal }) => (await request('/api/account/keys', keysSchema, { signal })).keys,
});

const accountsSchema = z.object({ accounts: z.array(administeredAccountSchema) });
export const accountsQuery = queryOptions({
  queryKey: ['administration', 'accounts'],
  queryFn: async ({ signal }) => (await request(administered, accountsSchema, { signal })).accounts,
});

export const settingsQuery = queryOptions({
  queryKey: ['administration', 'settings'],
  queryFn: ({ signal }) => request('/api/administration/settings', settingsSchema, { signal }),
});

const auditSchema = z.object({ entries: z.array(auditEntrySchema) });
const auditPageLength = 100;
export const auditQuery = infiniteQueryOptions({
  queryKey: ['administration', 'audit'],
  queryFn: async ({ pageParam, signal }) => {
    const before = pageParam ? `?before=${pageParam}` : '';
    return (await request(`/api/administration/audit${before}`, auditSchema, { signal })).entries;
  },
  initialPageParam: '',
  getNextPageParam: (last) => (last.length === auditPageLength ? last.at(-1)?.id : undefined),
});
