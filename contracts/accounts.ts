/**
 * Accounts and their administration, under `/api`. Ids are UUIDv7; times are epoch milliseconds.
 *
 *   GET    /api/session                                → Session              anybody
 *   POST   /api/session                                → Account              signs in; body: SignInRequest
 *   DELETE /api/session                                → 204                  signs out
 *   POST   /api/accounts                               → Account              registers and signs in; body: RegisterRequest
 *   POST   /api/password-resets                        → 204                  asks for a way back in; body: { email }
 *   POST   /api/password-resets/use                    → 204                  body: UseResetRequest
 *
 *   GET    /api/account                                → Profile
 *   PATCH  /api/account                                → Profile              body: { name }
 *   DELETE /api/account                                → 204                  with all that is theirs; body: { password }
 *   GET    /api/account/export                         → a JSON file of everything that is theirs
 *   PUT    /api/account/password                       → 204                  signs out everywhere else; body: ChangePasswordRequest
 *   GET    /api/account/sessions                       → { sessions: SessionEntry[] }   newest first
 *   DELETE /api/account/sessions                       → 204                  all but the one that asks
 *   DELETE /api/account/sessions/:id                   → 204
 *   GET    /api/account/keys                           → { keys: ApiKey[] }   newest first
 *   POST   /api/account/keys                           → NewApiKey            body: NewApiKeyRequest
 *   DELETE /api/account/keys/:id                       → 204                  revokes it
 *
 *   GET    /api/administration/accounts                → { accounts: AdministeredAccount[] }
 *   POST   /api/administration/accounts                → PasswordLink         body: InviteRequest
 *   PATCH  /api/administration/accounts/:id            → AdministeredAccount  body: ChangeAccountRequest
 *   DELETE /api/administration/accounts/:id            → 204
 *   POST   /api/administration/accounts/:id/password-link → PasswordLink
 *   GET    /api/administration/settings                → Settings
 *   PUT    /api/administration/settings                → Settings             body: Settings
 *   GET    /api/administration/audit?before=ID         → { entries: AuditEntry[] }   newest first, a hundred at a time
 */
import { z } from 'zod';

/** Each role may do what the ones before it may. */
export const accountRoles = ['user', 'trainer', 'administrator'] as const;
export const accountRoleSchema = z.enum(accountRoles);
export type AccountRole = z.infer<typeof accountRoleSchema>;

/** Whether someone of role `held` may do what is open to `needed`. */
export function roleAllows(held: AccountRole, needed: AccountRole): boolean {
  return accountRoles.indexOf(held) >= accountRoles.indexOf(needed);
}

export const shortestPassword = 8;
const longestPassword = 256;

const emailSchema = z
  .string()
  .trim()
  .max(254)
  .transform((email) => email.toLowerCase())
  .pipe(z.email('not an e-mail address'));
const nameSchema = z.string().trim().min(1).max(80);
const newPasswordSchema = z.string().min(shortestPassword).max(longestPassword);
/** What was typed to prove who one is: any length, so that a wrong one is told as wrong. */
const presentedPasswordSchema = z.string().max(longestPassword);
const tokenSchema = z.string().max(100);

export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: accountRoleSchema,
});
export type Account = z.infer<typeof accountSchema>;

export const registrationSchema = z.enum(['open', 'closed']);

export const sessionSchema = z.object({
  /** Who is signed in; null: nobody. */
  user: accountSchema.nullable(),
  /** There is no account yet: the first one becomes the administrator's. */
  setup: z.boolean(),
  registration: registrationSchema,
  /** Whether the server can send mail; otherwise the administrator hands out links for new passwords. */
  mail: z.boolean(),
});
export type Session = z.infer<typeof sessionSchema>;

export const signInRequestSchema = z.object({ email: emailSchema, password: presentedPasswordSchema });
export type SignInRequest = z.infer<typeof signInRequestSchema>;

export const registerRequestSchema = z.object({ name: nameSchema, email: emailSchema, password: newPasswordSchema });
export type RegisterRequest = z.infer<typeof registerRequestSchema>;

export const askResetRequestSchema = z.object({ email: emailSchema });
export const useResetRequestSchema = z.object({ token: tokenSchema, password: newPasswordSchema });
export type UseResetRequest = z.infer<typeof useResetRequestSchema>;

export const profileSchema = accountSchema.extend({
  createdAt: z.int(),
  /** Tokens that models read and wrote for this account since midnight UTC. */
  tokensToday: z.int(),
  /** 0: as many as one likes. */
  tokensPerDay: z.int(),
});
export type Profile = z.infer<typeof profileSchema>;
export const renameAccountRequestSchema = z.object({ name: nameSchema });
export const deleteAccountRequestSchema = z.object({ password: presentedPasswordSchema });
export const changePasswordRequestSchema = z.object({ current: presentedPasswordSchema, next: newPasswordSchema });
export type ChangePasswordRequest = z.infer<typeof changePasswordRequestSchema>;

export const sessionEntrySchema = z.object({
  id: z.string(),
  /** The one that asks. */
  current: z.boolean(),
  address: z.string(),
  userAgent: z.string(),
  createdAt: z.int(),
  lastSeenAt: z.int(),
});
export type SessionEntry = z.infer<typeof sessionEntrySchema>;

/** What an API key may be used for. */
export const apiScopes = ['chat', 'models'] as const;
export const apiScopeSchema = z.enum(apiScopes);
export type ApiScope = z.infer<typeof apiScopeSchema>;

export const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  /** The last four characters, to tell keys apart. */
  ending: z.string(),
  scopes: z.array(apiScopeSchema),
  createdAt: z.int(),
  expiresAt: z.int().nullable(),
  lastUsedAt: z.int().nullable(),
});
export type ApiKey = z.infer<typeof apiKeySchema>;
export const newApiKeyRequestSchema = z.object({
  name: nameSchema,
  scopes: z
    .array(apiScopeSchema)
    .min(1)
    .max(apiScopes.length)
    .default([...apiScopes]),
  /** Null: until it is revoked. */
  expiresInDays: z.int().min(1).max(3650).nullable().default(null),
});
export type NewApiKeyRequest = z.input<typeof newApiKeyRequestSchema>;
/** `secret` is the key itself, which the server shows this once and does not keep. */
export const newApiKeySchema = z.object({ key: apiKeySchema, secret: z.string() });
export type NewApiKey = z.infer<typeof newApiKeySchema>;

export const administeredAccountSchema = accountSchema.extend({
  createdAt: z.int(),
  lastSeenAt: z.int().nullable(),
  disabled: z.boolean(),
  /** When they asked for a new password, if no link was made since. */
  resetAskedAt: z.int().nullable(),
  /** Whether they have chosen a password yet. */
  activated: z.boolean(),
});
export type AdministeredAccount = z.infer<typeof administeredAccountSchema>;
export const inviteRequestSchema = z.object({ name: nameSchema, email: emailSchema, role: accountRoleSchema });
export type InviteRequest = z.infer<typeof inviteRequestSchema>;
export const changeAccountRequestSchema = z.object({
  role: accountRoleSchema.optional(),
  disabled: z.boolean().optional(),
});
export type ChangeAccountRequest = z.infer<typeof changeAccountRequestSchema>;
/** Lets its holder choose a password, once. */
export const passwordLinkSchema = z.object({ url: z.string(), expiresAt: z.int() });
export type PasswordLink = z.infer<typeof passwordLinkSchema>;

export const settingsSchema = z.object({
  /** Whether strangers may make accounts, or only administrators make them. */
  registration: registrationSchema.default('open'),
  /** Programs on this machine may use `/v1` without a key while the server listens to this machine only. */
  openLocalApi: z.boolean().default(true),
  /** Per account, read and written; 0: no limit. */
  tokensPerDay: z.int().min(0).max(1e12).default(0),
  /** Per account and per address, for everything that does not come from this machine; 0: no limit. */
  requestsPerMinute: z.int().min(0).max(1e6).default(600),
  /** One answer in so many comes as two drafts to choose between; 0: none. */
  draftsEvery: z.int().min(0).max(1e6).default(0),
});
export type Settings = z.infer<typeof settingsSchema>;

export const auditEntrySchema = z.object({
  id: z.string(),
  at: z.int(),
  /** Who did it; null: nobody who was signed in. */
  actor: z.object({ id: z.string(), name: z.string() }).nullable(),
  /** For example 'account.registered'. */
  action: z.string(),
  /** Whom or what it was done to; empty if that goes without saying. */
  subject: z.string(),
  detail: z.record(z.string(), z.unknown()),
  address: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export const auditQuerySchema = z.object({ before: z.uuid('not an id').optional() });
