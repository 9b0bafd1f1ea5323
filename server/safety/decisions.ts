/** The log of decisions: people see those about themselves and object; administrators see objections and rule. */
import type { Decision, ReviewedDecision, Ruling } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { HttpError } from '../http/errors.ts';
import type { DecisionRow } from './tables.ts';

const mostShown = 200;

/** The newest first. What was only noted is not told. */
export async function decisionsAbout(db: Db, userId: string): Promise<Decision[]> {
  const rows = await db
    .selectFrom('safety_decisions')
    .selectAll()
    .where('user_id', '=', userId)
    .where('action', '!=', 'pass')
    .orderBy('id', 'desc')
    .limit(mostShown)
    .execute();
  return rows.map(toDecision);
}

/** Oldest first. */
export async function decisionsIn(db: Db, userId: string, conversationId: string): Promise<Decision[]> {
  const rows = await db
    .selectFrom('safety_decisions')
    .selectAll()
    .where('conversation_id', '=', conversationId)
    .where('user_id', '=', userId)
    .where('action', '!=', 'pass')
    .orderBy('id')
    .execute();
  return rows.map(toDecision);
}

/** @throws HttpError 404; 409 if there is an appeal already */
export async function appeal(db: Db, userId: string, id: string, text: string): Promise<Decision> {
  const row = await db
    .updateTable('safety_decisions')
    .set({ appeal: storableText(text), appealed_at: Date.now() })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('action', '!=', 'pass')
    .where('appeal', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (row) return toDecision(row);
  const known = await db
    .selectFrom('safety_decisions')
    .select('id')
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('action', '!=', 'pass')
    .executeTakeFirst();
  if (known) throw new HttpError(409, 'appealed_already', 'You have appealed against this already.');
  throw noSuchDecision(id);
}

/** For administrators, newest first; those that were appealed against but not ruled on come before the others. */
export async function reviewDecisions(db: Db, appealedOnly: boolean): Promise<ReviewedDecision[]> {
  const rows = await reviewed(db)
    .$if(appealedOnly, (query) => query.where('appealed_at', 'is not', null))
    .orderBy('safety_decisions.id', 'desc')
    .limit(mostShown)
    .execute();
  const open = (row: DecisionRow) => row.appealed_at !== null && row.ruling === null;
  return [...rows.filter(open), ...rows.filter((row) => !open(row))].map(toReviewed);
}

/** @throws HttpError 404 if nobody has appealed */
export async function rule(
  db: Db,
  administrator: string,
  id: string,
  { ruling, text }: { ruling: Ruling; text: string },
): Promise<ReviewedDecision> {
  const { numUpdatedRows } = await db
    .updateTable('safety_decisions')
    .set({ ruling, ruling_text: storableText(text), ruled_by: administrator, ruled_at: Date.now() })
    .where('id', '=', id)
    .where('appealed_at', 'is not', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw noSuchDecision(id);
  return toReviewed(await reviewed(db).where('safety_decisions.id', '=', id).executeTakeFirstOrThrow());
}

function reviewed(db: Db) {
  return db
    .selectFrom('safety_decisions')
    .leftJoin('users', 'users.id', 'safety_decisions.user_id')
    .selectAll('safety_decisions')
    .select('users.name as person');
}

function toReviewed(row: DecisionRow & { person: string | null }): ReviewedDecision {
  return { ...toDecision(row), person: row.person };
}

function toDecision(row: DecisionRow): Decision {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    messageId: row.message_id,
    direction: row.direction,
    rule: row.rule,
    action: row.action,
    excerpt: row.excerpt,
    createdAt: row.created_at,
    appeal: row.appeal,
    ruling: row.ruling,
    rulingText: row.ruling_text,
  };
}

function noSuchDecision(id: string): HttpError {
  return new HttpError(404, 'decision_not_found', `There is no decision ${id} to appeal against or to rule on.`);
}
