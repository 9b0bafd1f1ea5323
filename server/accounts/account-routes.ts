/** What people do with their own account. */
import {
  changePasswordRequestSchema,
  deleteAccountRequestSchema,
  newApiKeyRequestSchema,
  type Profile,
  renameAccountRequestSchema,
} from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { storableText } from '../db/text.ts';
import { HttpError, parse } from '../http/errors.ts';
import { access, userOf } from './access.ts';
import { accountById, deleteAccount, setPassword, toAccount } from './accounts.ts';
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts';
import { recordAudit } from './audit.ts';
import { hashNewPassword, isPassword } from './passwords.ts';
import { personalData } from './personal-data.ts';
import { RateLimit } from './rate-limit.ts';
import type { AccountServices } from './services.ts';

const idSchema = z.object({ id: z.uuid('not an id') });

export function addOwnAccountRoutes(app: FastifyInstance, services: AccountServices): void {
  const { db, sessions, settings, usage, stopAnswersOf } = services;
  const passwordTries = new RateLimit(15 * 60_000);

  /** @throws HttpError 403: whoever finds an open browser must not take the account over, nor guess its password */
  async function requirePassword(userId: string, password: string): Promise<void> {
    passwordTries.take(userId, 10);
    const { password_hash } = await accountById(db, userId);
    if (!(await isPassword(password, password_hash))) {
      throw new HttpError(403, 'password_wrong', 'The password is wrong.', { param: 'password' });
    }
    passwordTries.forgive(userId);
  }

  async function profileOf(userId: string): Promise<Profile> {
    const row = await accountById(db, userId);
    return {
      ...toAccount(row),
      createdAt: row.created_at,
      tokensToday: await usage.today(userId),
      tokensPerDay: settings.current.tokensPerDay,
    };
  }

  app.get('/api/account', access('user'), async (request) => profileOf(userOf(request).id));

  app.patch('/api/account', access('user'), async (request) => {
    const { name } = parse(renameAccountRequestSchema, request.body);
    const { id } = userOf(request);
    await db
      .updateTable('users')
      .set({ name: storableText(name) })
      .where('id', '=', id)
      .execute();
    return profileOf(id);
  });

  app.delete('/api/account', access('user'), async (request, reply) => {
    const { password } = parse(deleteAccountRequestSchema, request.body);
    const { id } = userOf(request);
    await requirePassword(id, password);
    await stopAnswersOf(id);
    await deleteAccount(db, id);
    await recordAudit(db, request, { action: 'account.deleted' });
    sessions.clearCookie(reply);
    return reply.code(204).send();
  });

  app.get('/api/account/export', access('user'), async (request, reply) => {
    const { id } = userOf(request);
    await recordAudit(db, request, { action: 'account.exported' });
    const data = await personalData(db, id);
    reply.header('content-disposition', 'attachment; filename="parley-export.json"');
    return { exportedAt: Date.now(), ...data };
  });

  app.put('/api/account/password', access('user'), async (request, reply) => {
    const { current, next } = parse(changePasswordRequestSchema, request.body);
    const { id } = userOf(request);
    await requirePassword(id, current);
    const { email, name } = await accountById(db, id);
    await setPassword(db, id, await hashNewPassword(next, [email ?? '', name]), { keepSession: request.sessionId });
    await recordAudit(db, request, { action: 'password.changed' });
    return reply.code(204).send();
  });

  app.get('/api/account/sessions', access('user'), async (request) => ({
    sessions: await sessions.list(userOf(request).id, request.sessionId),
  }));

  app.delete('/api/account/sessions', access('user'), async (request, reply) => {
    await sessions.revokeAll(userOf(request).id, { except: request.sessionId });
    await recordAudit(db, request, { action: 'session.others-ended' });
    return reply.code(204).send();
  });

  app.delete('/api/account/sessions/:id', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    if (!(await sessions.revoke(userOf(request).id, id))) {
      throw new HttpError(404, 'session_not_found', `There is no session ${id}.`);
    }
    await recordAudit(db, request, { action: 'session.revoked' });
    return reply.code(204).send();
  });

  app.get('/api/account/keys', access('user'), async (request) => ({
    keys: await listApiKeys(db, userOf(request).id),
  }));

  app.post('/api/account/keys', access('user'), async (request, reply) => {
    const created = await createApiKey(db, userOf(request).id, parse(newApiKeyRequestSchema, request.body));
    await recordAudit(db, request, { action: 'key.created', subject: created.key.name });
    return reply.code(201).send(created);
  });

  app.delete('/api/account/keys/:id', access('user'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const { name } = await revokeApiKey(db, userOf(request).id, id);
    await recordAudit(db, request, { action: 'key.revoked', subject: name });
    return reply.code(204).send();
  });
}
