/** Everything that is stored about one person, for them to take along. */
import { sql } from 'kysely';
import type { Db } from '../db/database.ts';

/** A table's rows are somebody's if one of these columns names them. */
const ownerColumns = ['owner_id', 'user_id', 'actor_id'];
/** Of no use to people, and a risk in a file that they keep. */
const secretColumns = ['token_hash', 'key_hash', 'password_hash'];

/** Rows by table; binary columns are base64. New tables are found by their columns, so that none is forgotten. */
export async function personalData(db: Db, userId: string): Promise<Record<string, unknown[]>> {
  const data: Record<string, unknown[]> = {};
  const tables = await db.introspection.getTables();
  for (const { name, columns } of tables.toSorted((one, other) => one.name.localeCompare(other.name))) {
    const owner = ownerColumns.find((wanted) => columns.some((column) => column.name === wanted));
    if (owner) data[name] = await rows(db, name, sql`${sql.ref(owner)} = ${userId}`);
  }
  const conversations = sql`(SELECT id FROM conversations WHERE owner_id = ${userId})`;
  const messages = sql`(SELECT id FROM messages WHERE conversation_id IN ${conversations})`;
  return {
    users: await rows(db, 'users', sql`id = ${userId}`),
    ...data,
    messages: await rows(db, 'messages', sql`conversation_id IN ${conversations}`),
    generations: await rows(db, 'generations', sql`message_id IN ${messages}`),
  };
}

async function rows(db: Db, table: string, condition: ReturnType<typeof sql>): Promise<unknown[]> {
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
