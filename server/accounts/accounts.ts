/** Accounts as stored: registering, changing and deleting them. Who may do it is the routes' business. */
import type { Account, AccountRole, AdministeredAccount, InviteRequest, RegisterRequest } from '@parley/contracts';
import type { Selectable } from 'kysely';
import type { AccountTables } from '../db/account-tables.ts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import { hashNewPassword } from './passwords.ts';
import { hashSecret, newSecret } from './secrets.ts';

export type UserRow = Selectable<AccountTables['users']>;

const day = 24 * 3600_000;
const linkLifetime = 3 * day;

/** Whether nobody has an account yet. */
export async function isUnclaimed(db: Db): Promise<boolean> {
  const row = await db.selectFrom('users').select('id').where('email', 'is not', null).executeTakeFirst();
  return row === undefined;
}

/**
 * Makes an account. The first is the administrator's, and is made of the user that the installation had before, with
 * all that is theirs.
 * @throws HttpError 400 for a password that is too common, 409 for an e-mail address that has an account
 */
export async function register(db: Db, { name, email, password }: RegisterRequest): Promise<UserRow> {
  const fields = {
    name: storableText(name),
    email,
    // Before the address is looked up, so that the reply takes as long if it has an account.
    password_hash: await hashNewPassword(password, [email, name]),
  };
  return db.transaction().execute(async (transaction) => {
    if (!(await isUnclaimed(transaction))) return insertAccount(transaction, { ...fields, role: 'user' });
    const claimed = await transaction
      .updateTable('users')
      .set({ ...fields, role: 'administrator' })
      .where('id', '=', ({ selectFrom }) => selectFrom('users').select(({ fn }) => fn.min('id').as('id')))
      .returningAll()
      .executeTakeFirst();
    return claimed ?? insertAccount(transaction, { ...fields, role: 'administrator' });
  });
}

/** Makes an account for somebody else, who chooses the password. @throws HttpError 409 */
export function invite(db: Db, { name, email, role }: InviteRequest): Promise<UserRow> {
  return insertAccount(db, { name: storableText(name), email, role, password_hash: null });
}

async function insertAccount(
  db: Db,
  fields: { name: string; email: string; role: AccountRole; password_hash: string | null },
): Promise<UserRow> {
  const row = await db
    .insertInto('users')
    .values({ id: uuidv7(), created_at: Date.now(), ...fields })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!row) throw new HttpError(409, 'email_taken', 'There is an account with this e-mail address already.');
  return row;
}

export async function accountByEmail(db: Db, email: string): Promise<UserRow | undefined> {
  return db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirst();
}

/** @throws HttpError 404 */
export async function accountById(db: Db, id: string): Promise<UserRow> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('id', '=', id)
    .where('email', 'is not', null)
    .executeTakeFirst();
  if (!row) throw new HttpError(404, 'account_not_found', `There is no account ${id}.`);
  return row;
}

/** A link's secret, with which its holder may choose a password once; earlier links of the account end. */
export async function createPasswordLink(db: Db, userId: string): Promise<{ secret: string; expiresAt: number }> {
  const secret = newSecret();
  const now = Date.now();
  const expiresAt = now + linkLifetime;
  await db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('password_links').where('user_id', '=', userId).execute();
    await transaction
      .insertInto('password_links')
      .values({ id: uuidv7(), user_id: userId, token_hash: hashSecret(secret), created_at: now, expires_at: expiresAt })
      .execute();
    await transaction.updateTable('users').set({ reset_asked_at: null }).where('id', '=', userId).execute();
  });
  return { secret, expiresAt };
}

/**
 * Sets the password by a link and ends all sessions.
 * @throws HttpError 400 for a link that is unknown, used or too old, or for a password that is too common
 */
export async function usePasswordLink(db: Db, secret: string, password: string): Promise<UserRow> {
  const user = await db
    .selectFrom('password_links')
    .innerJoin('users', 'users.id', 'password_links.user_id')
    .selectAll('users')
    .where('password_links.token_hash', '=', hashSecret(secret))
    .where('password_links.expires_at', '>', Date.now())
    .executeTakeFirst();
  if (!user) throw linkInvalid();
  const passwordHash = await hashNewPassword(password, [user.email!, user.name]);
  await db.transaction().execute(async (transaction) => {
    const { numDeletedRows } = await transaction
      .deleteFrom('password_links')
      .where('token_hash', '=', hashSecret(secret))
      .executeTakeFirstOrThrow();
    // Somebody was faster with the same link.
    if (numDeletedRows === 0n) throw linkInvalid();
    await setPassword(transaction, user.id, passwordHash);
  });
  return user;
}

function linkInvalid(): HttpError {
  return new HttpError(400, 'link_invalid', 'This link was used already or is too old. Ask for another.');
}

/** Ends the account's sessions, apart from the one that changes it. */
export async function setPassword(
  db: Db,
  userId: string,
  passwordHash: string,
  { keepSession = null }: { keepSession?: string | null } = {},
): Promise<void> {
  await db.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', userId).execute();
  await db
    .deleteFrom('sessions')
    .where('user_id', '=', userId)
    .$if(keepSession !== null, (query) => query.where('id', '!=', keepSession!))
    .execute();
}

/**
 * Changes the role, or shuts the account out and in again.
 * @throws HttpError 404; 409 if nobody would be left to administrate
 */
export async function changeAccount(
  db: Db,
  id: string,
  change: { role?: AccountRole; disabled?: boolean },
): Promise<UserRow> {
  return db.transaction().execute(async (transaction) => {
    const before = await accountById(transaction, id);
    const role = change.role ?? before.role;
    const disabledAt = change.disabled === undefined ? before.disabled_at : change.disabled ? Date.now() : null;
    if (role !== 'administrator' || disabledAt !== null) await requireAnotherAdministrator(transaction, id);
    if (disabledAt !== null) await transaction.deleteFrom('sessions').where('user_id', '=', id).execute();
    return transaction
      .updateTable('users')
      .set({ role, disabled_at: disabledAt })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

/**
 * Deletes an account and everything that is theirs.
 * @throws HttpError 404; 409 if others would be left with nobody to administrate
 */
export async function deleteAccount(db: Db, id: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await accountById(transaction, id);
    const others = await transaction
      .selectFrom('users')
      .select('id')
      .where('id', '!=', id)
      .where('email', 'is not', null)
      .executeTakeFirst();
    if (others) await requireAnotherAdministrator(transaction, id);
    await transaction.deleteFrom('users').where('id', '=', id).execute();
  });
}

async function requireAnotherAdministrator(db: Db, id: string): Promise<void> {
  const other = await db
    .selectFrom('users')
    .select('id')
    .where('id', '!=', id)
    .where('role', '=', 'administrator')
    .where('disabled_at', 'is', null)
    .where('password_hash', 'is not', null)
    .executeTakeFirst();
  if (!other) {
    throw new HttpError(409, 'last_administrator', 'This is the last administrator. Make somebody else one first.');
  }
}

/** Those whose account is `id`, or all; oldest first. */
export async function listAccounts(db: Db, id?: string): Promise<AdministeredAccount[]> {
  const rows = await db
    .selectFrom('users')
    .leftJoin('sessions', 'sessions.user_id', 'users.id')
    .selectAll('users')
    .select(({ fn }) => fn.max('sessions.last_seen_at').as('last_seen_at'))
    .where('users.email', 'is not', null)
    .$if(id !== undefined, (query) => query.where('users.id', '=', id!))
    .groupBy('users.id')
    .orderBy('users.id')
    .execute();
  return rows.map((row) => ({
    ...toAccount(row),
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    disabled: row.disabled_at !== null,
    resetAskedAt: row.reset_asked_at,
    activated: row.password_hash !== null,
  }));
}

export function toAccount({ id, name, email, role }: UserRow): Account {
  return { id, name, email: email ?? '', role };
}
