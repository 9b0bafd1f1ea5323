/** The routes of contracts/accounts.ts: coming in here, one's own account and its administration in files of their own. */
import {
  type Account,
  askResetRequestSchema,
  registerRequestSchema,
  type Session,
  signInRequestSchema,
  useResetRequestSchema,
} from '@parley/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { addressOf, isLocalClient } from '../http/client.ts';
import { HttpError, parse } from '../http/errors.ts';
import { access } from './access.ts';
import { addOwnAccountRoutes } from './account-routes.ts';
import { accountByEmail, createPasswordLink, isUnclaimed, register, toAccount, usePasswordLink } from './accounts.ts';
import { addAdministrationRoutes } from './administration-routes.ts';
import { recordAudit } from './audit.ts';
import { passwordMail, passwordUrl } from './mail.ts';
import { isPassword } from './passwords.ts';
import { RateLimit } from './rate-limit.ts';
import type { AccountServices } from './services.ts';

const minute = 60_000;
const hour = 60 * minute;

export function addAccountRoutes(app: FastifyInstance, services: AccountServices): void {
  const { db, sessions, settings, sendMail } = services;
  const limits = {
    signIn: new RateLimit(15 * minute),
    hourly: new RateLimit(hour),
  };

  /** Whoever sits at this machine shares its address with everybody else there: only accounts are limited for them. */
  const limitAddress = (request: FastifyRequest, limit: RateLimit, what: string, times: number) => {
    if (!isLocalClient(request)) limit.take(`${what} ${addressOf(request)}`, times);
  };

  app.get('/api/session', access('public'), async (request, reply): Promise<Session> => {
    const { user } = request;
    if (user) sessions.renewCookie(request, reply);
    const row = user && (await db.selectFrom('users').selectAll().where('id', '=', user.id).executeTakeFirst());
    return {
      user: row ? toAccount(row) : null,
      setup: !row && (await isUnclaimed(db)),
      registration: settings.current.registration,
      mail: sendMail !== null,
    };
  });

  app.post('/api/session', access('public'), async (request, reply): Promise<Account> => {
    const { email, password } = parse(signInRequestSchema, request.body);
    const here = `sign-in ${email} ${addressOf(request)}`;
    limits.signIn.take(here, 10);
    limits.hourly.take(`sign-in ${email}`, 100);
    limitAddress(request, limits.signIn, 'sign-in', 50);

    const row = await accountByEmail(db, email);
    const right = await isPassword(password, row?.password_hash ?? null);
    if (!row || !right) {
      await recordAudit(db, request, { action: 'session.refused', subject: email });
      throw new HttpError(401, 'sign_in_failed', 'The e-mail address or the password is wrong.');
    }
    if (row.disabled_at !== null) {
      throw new HttpError(403, 'account_disabled', 'This account is disabled. Ask the administrator of this server.');
    }
    limits.signIn.forgive(here);
    await sessions.start(request, reply, row.id);
    await recordAudit(db, request, { action: 'session.started', actor: row });
    return toAccount(row);
  });

  app.delete('/api/session', access('public'), async (request, reply) => {
    await sessions.end(request);
    sessions.clearCookie(reply);
    if (request.user) await recordAudit(db, request, { action: 'session.ended' });
    return reply.code(204).send();
  });

  app.post('/api/accounts', access('public'), async (request, reply) => {
    const asked = parse(registerRequestSchema, request.body);
    limitAddress(request, limits.hourly, 'register', 10);
    if (settings.current.registration === 'closed' && !(await isUnclaimed(db))) {
      throw new HttpError(403, 'registration_closed', 'Only the administrator of this server makes accounts.');
    }
    const row = await register(db, asked);
    await sessions.start(request, reply, row.id);
    await recordAudit(db, request, { action: 'account.registered', actor: row, detail: { role: row.role } });
    return reply.code(201).send(toAccount(row));
  });

  app.post('/api/password-resets', access('public'), async (request, reply) => {
    const { email } = parse(askResetRequestSchema, request.body);
    limits.hourly.take(`reset ${email}`, 5);
    limitAddress(request, limits.hourly, 'reset', 20);
    // Not waited for: neither the reply nor its time tells whether there is such an account.
    void helpBackIn(request, email).catch((error) => request.log.error(error, 'a password reset failed'));
    return reply.code(204).send();
  });

  async function helpBackIn(request: FastifyRequest, email: string): Promise<void> {
    const row = await accountByEmail(db, email);
    if (!row || row.disabled_at !== null) return;
    await recordAudit(db, request, { action: 'password.reset-asked', actor: row });
    if (sendMail) {
      const { secret } = await createPasswordLink(db, row.id);
      await sendMail(passwordMail(email, passwordUrl(services.publicUrl(), secret)));
    } else {
      await db.updateTable('users').set({ reset_asked_at: Date.now() }).where('id', '=', row.id).execute();
    }
  }

  app.post('/api/password-resets/use', access('public'), async (request, reply) => {
    const { token, password } = parse(useResetRequestSchema, request.body);
    limitAddress(request, limits.hourly, 'link', 20);
    const row = await usePasswordLink(db, token, password);
    await recordAudit(db, request, { action: 'password.reset', actor: row });
    return reply.code(204).send();
  });

  addOwnAccountRoutes(app, services);
  addAdministrationRoutes(app, services);
}
