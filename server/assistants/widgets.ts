/** Which assistants may be shown to anybody, and on whose pages. Off until the owner switches it on. */
import type { Widget } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import { assistantOf } from './assistants.ts';
import type { AssistantRow } from './tables.ts';

/** @throws HttpError 404, 403 if it is not the user's own */
export async function widgetOf(db: Db, user: string, assistantId: string): Promise<Widget> {
  await assistantOf(db, user, assistantId, 'change');
  const row = await db.selectFrom('widgets').selectAll().where('assistant_id', '=', assistantId).executeTakeFirst();
  return row ? { enabled: row.enabled === 1, origins: JSON.parse(row.origins) } : { enabled: false, origins: [] };
}

/** @throws HttpError 404, 403 */
export async function changeWidget(db: Db, user: string, assistantId: string, widget: Widget): Promise<Widget> {
  await assistantOf(db, user, assistantId, 'change');
  const columns = { enabled: widget.enabled ? 1 : 0, origins: JSON.stringify(widget.origins) };
  await db
    .insertInto('widgets')
    .values({ assistant_id: assistantId, ...columns })
    .onConflict((conflict) => conflict.column('assistant_id').doUpdateSet(columns))
    .execute();
  return widget;
}

export interface PublicAssistant {
  assistant: AssistantRow;
  origins: string[];
}

/** What a visitor talks to. @throws HttpError 404 unless its owner has switched the widget on */
export async function publicAssistant(db: Db, assistantId: string): Promise<PublicAssistant> {
  const row = await db
    .selectFrom('widgets')
    .innerJoin('assistants', 'assistants.id', 'widgets.assistant_id')
    .selectAll('assistants')
    .select('widgets.origins')
    .where('widgets.assistant_id', '=', assistantId)
    .where('widgets.enabled', '=', 1)
    .executeTakeFirst();
  if (!row) throw new HttpError(404, 'widget_not_found', 'There is no such assistant for visitors.');
  const { origins, ...assistant } = row;
  return { assistant, origins: JSON.parse(origins) };
}
