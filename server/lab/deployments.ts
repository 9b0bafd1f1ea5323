/** Which model answers: a history whose newest entry stands. */
import type { Deployment } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';
import type { DeploymentRow } from './tables.ts';

export interface NewDeployment extends Omit<Deployment, 'id' | 'createdAt'> {
  /** Null: the server itself. */
  user: string | null;
}

/** Newest first. */
export async function listDeployments(db: Db): Promise<Deployment[]> {
  const rows = await db.selectFrom('deployments').selectAll().orderBy('id', 'desc').execute();
  return rows.map(toDeployment);
}

/** The one that stands; null before the first. */
export async function currentDeployment(db: Db): Promise<Deployment | null> {
  const row = await db.selectFrom('deployments').selectAll().orderBy('id', 'desc').executeTakeFirst();
  return row ? toDeployment(row) : null;
}

export async function deploy(db: Db, deployment: NewDeployment): Promise<Deployment> {
  const row: DeploymentRow = {
    id: uuidv7(),
    kind: deployment.kind,
    model_id: deployment.model,
    challenger_id: deployment.challenger,
    challenger_percent: deployment.challengerPercent,
    reason: deployment.reason,
    figures: JSON.stringify(deployment.figures),
    user_id: deployment.user,
    created_at: Date.now(),
  };
  await db.insertInto('deployments').values(row).execute();
  return toDeployment(row);
}

function toDeployment(row: DeploymentRow): Deployment {
  return {
    id: row.id,
    kind: row.kind,
    model: row.model_id,
    challenger: row.challenger_id,
    challengerPercent: row.challenger_percent,
    reason: row.reason,
    figures: JSON.parse(row.figures),
    createdAt: row.created_at,
  };
}
