/**
 * Finds words inside messages and titles. Languages without spaces are searched like any other: a term is found
 * anywhere in the text, whole words or not; several terms must all be there.
 *
 * SQLite has an index of trigrams (FTS5) for terms of three characters and more; shorter ones, such as most Chinese
 * words, look through the owner's messages. PostgreSQL always does the latter. The index is derived data: it is made
 * anew where it is missing, and triggers keep it. A message is indexed when it is complete.
 */
import type { SearchResult, Snippet } from '@parley/contracts';
import { type ExpressionBuilder, SqliteAdapter, sql } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';

const mostResults = 50;
const mostTerms = 8;

export interface MessageSearch {
  /** Newest first, at most 50: titles and messages of the owner that hold all words of the query. */
  find(owner: string, query: string): Promise<SearchResult[]>;
}

type Condition = (builder: ExpressionBuilder<Tables, 'messages'>, term: string) => ReturnType<typeof sql<boolean>>;

export async function openMessageSearch(db: Db): Promise<MessageSearch> {
  if (!(db.getExecutor().adapter instanceof SqliteAdapter)) {
    return searchBy(db, (_builder, term) => sql<boolean>`messages.content ILIKE ${like(term)} ESCAPE '!'`);
  }
  await makeTrigramIndex(db);
  return searchBy(db, (_builder, term) =>
    Array.from(term).length < 3
      ? sql<boolean>`messages.content LIKE ${like(term)} ESCAPE '!'`
      : sql<boolean>`messages.id IN (
          SELECT message_id FROM indexed_messages WHERE row IN (
            SELECT rowid FROM message_trigrams WHERE message_trigrams MATCH ${phrase(term)}))`,
  );
}

function searchBy(db: Db, holds: Condition): MessageSearch {
  return {
    async find(owner, query) {
      const terms = query.trim().split(/\s+/u).slice(0, mostTerms);
      const titles = await db
        .selectFrom('conversations')
        .select(['id', 'title', 'updated_at'])
        .where('owner_id', '=', owner)
        .where(({ and }) =>
          and(terms.map((term) => sql<boolean>`lower(title) LIKE ${like(term.toLowerCase())} ESCAPE '!'`)),
        )
        .orderBy('updated_at', 'desc')
        .limit(mostResults)
        .execute();
      const messages = await db
        .selectFrom('messages')
        .innerJoin('conversations', 'conversations.id', 'messages.conversation_id')
        .select(['messages.id', 'messages.role', 'messages.content', 'messages.created_at', 'messages.conversation_id'])
        .select('conversations.title')
        .where('conversations.owner_id', '=', owner)
        .where((builder) => builder.and(terms.map((term) => holds(builder as never, term))))
        .orderBy('messages.id', 'desc')
        .limit(mostResults)
        .execute();
      const found: SearchResult[] = [
        ...titles.map(({ id, title, updated_at }) => ({
          conversationId: id,
          title,
          messageId: null,
          role: null,
          snippet: snippetOf(title, terms),
          createdAt: updated_at,
        })),
        ...messages.map((row) => ({
          conversationId: row.conversation_id,
          title: row.title,
          messageId: row.id,
          role: row.role,
          snippet: snippetOf(row.content, terms),
          createdAt: row.created_at,
        })),
      ];
      return found.slice(0, mostResults);
    },
  };
}

async function makeTrigramIndex(db: Db): Promise<void> {
  const index = 'INSERT INTO indexed_messages (message_id) VALUES (new.id);';
  const fill =
    'INSERT INTO message_trigrams (rowid, content) SELECT row, new.content FROM indexed_messages WHERE message_id = new.id;';
  const remove = (id: string) => `
    DELETE FROM message_trigrams WHERE rowid = (SELECT row FROM indexed_messages WHERE message_id = ${id});
    DELETE FROM indexed_messages WHERE message_id = ${id};`;
  const statements = [
    // Message ids are texts and the index counts rows, so this table stands between them.
    'CREATE TABLE IF NOT EXISTS indexed_messages (row INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE) STRICT',
    `CREATE VIRTUAL TABLE IF NOT EXISTS message_trigrams
      USING fts5 (content, content = '', contentless_delete = 1, tokenize = 'trigram')`,
    `CREATE TRIGGER IF NOT EXISTS messages_indexed AFTER INSERT ON messages
      WHEN new.status <> 'streaming' BEGIN ${index} ${fill} END`,
    `CREATE TRIGGER IF NOT EXISTS messages_indexed_again AFTER UPDATE OF status ON messages
      WHEN new.status <> 'streaming' BEGIN ${remove('new.id')} ${index} ${fill} END`,
    `CREATE TRIGGER IF NOT EXISTS messages_unindexed AFTER DELETE ON messages BEGIN ${remove('old.id')} END`,
    `INSERT INTO indexed_messages (message_id)
      SELECT id FROM messages WHERE status <> 'streaming' AND id NOT IN (SELECT message_id FROM indexed_messages)`,
    `INSERT INTO message_trigrams (rowid, content)
      SELECT row, content FROM indexed_messages JOIN messages ON messages.id = message_id
      WHERE row > (SELECT coalesce(max(rowid), 0) FROM message_trigrams_docsize)`,
  ];
  await db.transaction().execute(async (transaction) => {
    for (const statement of statements) await sql.raw(statement).execute(transaction);
  });
}

function like(term: string): string {
  return `%${term.replace(/[!%_]/g, '!$&')}%`;
}

function phrase(term: string): string {
  return `"${term.replaceAll('"', '""')}"`;
}

const before = 40;
const snippetLength = 160;

/** The surroundings of the first place where a term stands, with every term marked. */
export function snippetOf(text: string, terms: readonly string[]): Snippet {
  const pattern = new RegExp(terms.map((term) => term.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'giu');
  const first = text.search(pattern);
  const start = Math.max(0, first - before);
  const cut = text.slice(start, start + snippetLength).replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
  const shown = `${start > 0 ? '…' : ''}${cut}${start + snippetLength < text.length ? '…' : ''}`.replace(/\s+/gu, ' ');
  const snippet: Snippet = [];
  let end = 0;
  for (const { index, 0: found } of shown.matchAll(pattern)) {
    if (index > end) snippet.push({ text: shown.slice(end, index), found: false });
    snippet.push({ text: found, found: true });
    end = index + found.length;
  }
  if (end < shown.length) snippet.push({ text: shown.slice(end), found: false });
  return snippet;
}
