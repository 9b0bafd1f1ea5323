/** The routes of contracts/safety.ts. */
import { appealRequestSchema, rulingRequestSchema, safetySettingsSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { recordAudit } from '../accounts/audit.ts';
import { conversationOf } from '../chat/conversations.ts';
import type { Db } from '../db/database.ts';
import { parse } from '../http/errors.ts';
import { appeal, decisionsAbout, decisionsIn, reviewDecisions, rule } from './decisions.ts';
import type { SafetyGuard } from './guard.ts';
import { verifyAnswer } from './verify.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const reviewSchema = z.object({ appealed: z.enum(['true', 'false']).default('false') });

export function addSafetyRoutes(app: FastifyInstance, db: Db, guard: SafetyGuard): void {
  app.get('/api/decisions', access('user'), async (request) => ({
    decisions: await decisionsAbout(db, userOf(request).id),
  }));

  app.get('/api/conversations/:id/decisions', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    const user = userOf(request).id;
    await conversationOf(db, user, id);
    return { decisions: await decisionsIn(db, user, id) };
  });

  app.post('/api/decisions/:id/appeal', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return appeal(db, userOf(request).id, id, parse(appealRequestSchema, request.body).text);
  });

  app.post('/api/messages/:id/verify', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return { claims: await verifyAnswer(db, userOf(request).id, id) };
  });

  app.get('/api/safety/settings', access('administrator'), async () => guard.settings);

  app.put('/api/safety/settings', access('administrator'), async (request) => {
    await guard.change(parse(safetySettingsSchema, request.body));
    await recordAudit(db, request, { action: 'safety.changed' });
    return guard.settings;
  });

  app.get('/api/safety/decisions', access('administrator'), async (request) => ({
    decisions: await reviewDecisions(db, parse(reviewSchema, request.query).appealed === 'true'),
  }));

  app.post('/api/safety/decisions/:id/ruling', access('administrator'), async (request) => {
    const { id } = parse(idSchema, request.params);
    const wanted = parse(rulingRequestSchema, request.body);
    const ruled = await rule(db, userOf(request).id, id, wanted);
    await recordAudit(db, request, { action: 'safety.ruled', subject: ruled.rule, detail: { ruling: wanted.ruling } });
    return ruled;
  });
}
