/** What administrators do: people, settings, and reading who did what. */
import {
  auditQuerySchema,
  changeAccountRequestSchema,
  inviteRequestSchema,
  type PasswordLink,
  settingsSchema,
} from '@parley/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { HttpError, parse } from '../http/errors.ts';
import { access, userOf } from './access.ts';
import {
  accountById,
  changeAccount,
  createPasswordLink,
  deleteAccount,
  invite,
  listAccounts,
  type UserRow,
} from './accounts.ts';
import { listAudit, recordAudit } from './audit.ts';
import { passwordUrl } from './mail.ts';
import type { AccountServices } from './services.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const forAdministrators = access('administrator');

export function addAdministrationRoutes(app: FastifyInstance, services: AccountServices): void {
  const { db, settings, stopAnswersOf } = services;

  async function linkFor(request: FastifyRequest, row: UserRow): Promise<PasswordLink> {
    const { secret, expiresAt } = await createPasswordLink(db, row.id);
    await recordAudit(db, request, { action: 'password.link-made', subject: row.email ?? '' });
    // The administrator's own browser shows it, so the name by which that reaches the server is right.
    return { url: passwordUrl(request.headers.origin ?? services.publicUrl(), secret), expiresAt };
  }

  app.get('/api/administration/accounts', forAdministrators, async () => ({ accounts: await listAccounts(db) }));

  app.post('/api/administration/accounts', forAdministrators, async (request, reply) => {
    const asked = parse(inviteRequestSchema, request.body);
    const row = await invite(db, asked);
    await recordAudit(db, request, { action: 'account.invited', subject: asked.email, detail: { role: asked.role } });
    return reply.code(201).send(await linkFor(request, row));
  });

  app.patch('/api/administration/accounts/:id', forAdministrators, async (request) => {
    const { id } = parse(idSchema, request.params);
    const change = parse(changeAccountRequestSchema, request.body);
    const row = await changeAccount(db, id, change);
    if (change.disabled) await stopAnswersOf(id);
    await recordAudit(db, request, { action: 'account.changed', subject: row.email ?? '', detail: change });
    return (await listAccounts(db, id))[0];
  });

  app.delete('/api/administration/accounts/:id', forAdministrators, async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    if (id === userOf(request).id) {
      throw new HttpError(409, 'own_account', 'Delete your own account on your account page.');
    }
    const { email } = await accountById(db, id);
    await stopAnswersOf(id);
    await deleteAccount(db, id);
    await recordAudit(db, request, { action: 'account.deleted', subject: email ?? '' });
    return reply.code(204).send();
  });

  app.post('/api/administration/accounts/:id/password-link', forAdministrators, async (request) => {
    const { id } = parse(idSchema, request.params);
    return linkFor(request, await accountById(db, id));
  });

  app.get('/api/administration/settings', forAdministrators, async () => settings.current);

  app.put('/api/administration/settings', forAdministrators, async (request) => {
    const wanted = parse(settingsSchema, request.body);
    await settings.change(wanted);
    await recordAudit(db, request, { action: 'settings.changed', detail: wanted });
    return settings.current;
  });

  app.get('/api/administration/audit', forAdministrators, async (request) => ({
    entries: await listAudit(db, parse(auditQuerySchema, request.query).before),
  }));
}
