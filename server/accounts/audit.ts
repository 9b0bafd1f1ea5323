/** Who did what, for administrators to read. Entries are only ever added. */
import type { AuditEntry } from '@parley/contracts';
import type { FastifyRequest } from 'fastify';
import type { Db } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';
import { addressOf } from '../http/client.ts';

interface AuditedAct {
  /** `area.past-participle`, for example 'model.promoted'. */
  action: string;
  /** Whom or what it was done to: a name that tells people something. */
  subject?: string;
  /** Small, and without secrets. */
  detail?: Record<string, unknown>;
  /** Where nobody is signed in yet. */
  actor?: { id: string; name: string };
}

const pageLength = 100;

export async function recordAudit(
  db: Db,
  request: FastifyRequest,
  { action, subject = '', detail = {}, actor }: AuditedAct,
): Promise<void> {
  const who = actor ?? request.user;
  await db
    .insertInto('audit_log')
    .values({
      id: uuidv7(),
      actor_id: who?.id ?? null,
      actor_name: who?.name ?? null,
      action,
      subject,
      detail: JSON.stringify(detail),
      address: addressOf(request),
      created_at: Date.now(),
    })
    .execute();
}

/** The newest hundred before the entry `before`, newest first. */
export async function listAudit(db: Db, before: string | undefined): Promise<AuditEntry[]> {
  const rows = await db
    .selectFrom('audit_log')
    .selectAll()
    .$if(before !== undefined, (query) => query.where('id', '<', before!))
    .orderBy('id', 'desc')
    .limit(pageLength)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    at: row.created_at,
    actor: row.actor_id === null ? null : { id: row.actor_id, name: row.actor_name ?? '' },
    action: row.action,
    subject: row.subject,
    detail: JSON.parse(row.detail),
    address: row.address,
  }));
}
