/**
 * Accounts, under `/api`. Ids are UUIDv7; times are epoch milliseconds.
 *
 *   GET    /api/session                        → Session
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

export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: accountRoleSchema,
});
export type Account = z.infer<typeof accountSchema>;

/** Who is signed in; null: nobody. */
export const sessionSchema = z.object({ user: accountSchema.nullable() });
export type Session = z.infer<typeof sessionSchema>;
