/** Everything that is stored about one person, for them to take along. */
import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../db/database.ts';

/** Of no use to people, and a risk in a file that they keep. */
const secretColumns = ['token_hash', 'key_hash', 'password_hash'];
/** Made from other tables, and made anew where it is missing. */
const derivedTables = ['indexed_messages'];

/**
 * Rows by table; binary columns are base64. Tables are found by the columns that say whose their rows are, or what of
 * that person's they belong to, so that none is forgotten.
 */
export async function personalData(db: Db, userId: string): Promise<Record<string, unknown[]>> {
  const conversations = sql`(SELECT id FROM conversations WHERE owner_id = ${userId})`;
  const belongings: [column: string, condition: RawBuilder<unknown>][] = [
    ...['owner_id', 'user_id', 'actor_id'].map((column) => [column, sql`= ${userId}`] as [string, RawBuilder<unknown>]),
    ['conversation_id', sql`IN ${conversations}`],
    ['message_id', sql`IN (SELECT id FROM messages WHERE conversation_id IN ${conversations})`],
    ['assistant_id', sql`IN (SELECT id FROM assistants WHERE owner_id = ${userId})`],
  ];
  const data: Record<string, unknown[]> = { users: await rows(db, 'users', sql`id = ${userId}`) };
  const tables = await db.introspection.getTables();
  for (const { name, columns } of tables.toSorted((one, other) => one.name.localeCompare(other.name))) {
    const belonging = belongings.find(([wanted]) => columns.some((column) => column.name === wanted));
    if (!belonging || derivedTables.includes(name)) continue;
    const [column, condition] = belonging;
    data[name] = await rows(db, name, sql`${sql.ref(column)} ${condition}`);
  }
  return data;
}

async function rows(db: Db, table: string, condition: RawBuilder<unknown>): Promise<unknown[]> {
  const result = await sql<Record<string, unknown>>`SELECT * FROM ${sql.table(table)} WHERE ${condition}`.execute(db);
  return result.rows.map((row) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([column]) => !secretColumns.includes(column))
        .map(([column, value]) => [
          column,
          isBinary(value) ? Buffer.from(value as ArrayBuffer).toString('base64') : value,
        ]),
    ),
  );
}

function isBinary(value: unknown): boolean {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}
