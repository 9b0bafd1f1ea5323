/**
 * Assistants as stored. They are asked for together with who asks: one that is somebody else's and not shared does
 * not exist, and one that is shared cannot be changed by others.
 */
import type { Assistant, AssistantRequest } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import type { AssistantRow } from './tables.ts';

/** Whether to look or to change something. */
type Purpose = 'use' | 'change';

/** One's own and the shared ones, newest first. */
export async function listAssistants(db: Db, user: string): Promise<Assistant[]> {
  const rows = await visibleTo(db, user).orderBy('assistants.id', 'desc').execute();
  const counts = await documentCounts(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => toAssistant(row, user, counts.get(row.id) ?? 0));
}

export async function createAssistant(db: Db, user: string, request: AssistantRequest): Promise<Assistant> {
  const now = Date.now();
  const row = { id: uuidv7(), owner_id: user, created_at: now, updated_at: now, ...columnsOf(request) };
  await db.insertInto('assistants').values(row).execute();
  return toAssistant(row, user, 0);
}

/** @throws HttpError 404, 403 to change what is somebody else's */
export async function assistantOf(db: Db, user: string, id: string, purpose: Purpose = 'use'): Promise<Assistant> {
  const row = await visibleTo(db, user).where('assistants.id', '=', id).executeTakeFirst();
  if (!row) throw new HttpError(404, 'assistant_not_found', `There is no assistant ${id}.`);
  if (purpose === 'change' && row.owner_id !== user) {
    throw new HttpError(403, 'not_the_owner', `Only its owner changes the assistant '${row.name}'.`);
  }
  return toAssistant(row, user, (await documentCounts(db, [id])).get(id) ?? 0);
}

/** @throws HttpError 404, 403 */
export async function changeAssistant(db: Db, user: string, id: string, request: AssistantRequest): Promise<Assistant> {
  await assistantOf(db, user, id, 'change');
  const changes = { ...columnsOf(request), updated_at: Date.now() };
  await db.updateTable('assistants').set(changes).where('id', '=', id).where('owner_id', '=', user).execute();
  return assistantOf(db, user, id);
}

/** Its documents go with it; conversations with it stay. @throws HttpError 404, 403 */
export async function deleteAssistant(db: Db, user: string, id: string): Promise<void> {
  await assistantOf(db, user, id, 'change');
  await db.deleteFrom('assistants').where('id', '=', id).where('owner_id', '=', user).execute();
}

function visibleTo(db: Db, user: string) {
  return db
    .selectFrom('assistants')
    .selectAll('assistants')
    .where(({ eb, or }) =>
      or([eb('assistants.owner_id', '=', user), eb('assistants.visibility', '=', 'installation')]),
    );
}

async function documentCounts(db: Db, assistants: readonly string[]): Promise<Map<string, number>> {
  if (assistants.length === 0) return new Map();
  const rows = await db
    .selectFrom('documents')
    .where('assistant_id', 'in', assistants)
    .groupBy('assistant_id')
    .select(({ fn }) => ['assistant_id', fn.countAll().as('count')])
    .execute();
  return new Map(rows.map(({ assistant_id, count }) => [assistant_id, Number(count)]));
}

function columnsOf({ name, instructions, exampleQuestions, model, visibility }: AssistantRequest) {
  return {
    name: storableText(name),
    instructions: storableText(instructions),
    example_questions: JSON.stringify(exampleQuestions.map(storableText)),
    model: model && storableText(model),
    visibility,
  };
}

function toAssistant(row: AssistantRow, user: string, documents: number): Assistant {
  return {
    id: row.id,
    name: row.name,
    instructions: row.instructions,
    exampleQuestions: JSON.parse(row.example_questions),
    model: row.model,
    visibility: row.visibility,
    own: row.owner_id === user,
    documents,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
