/** What holds on both databases, and what each does in its own way. */
import { appendFileSync, cpSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import Libsql from 'libsql';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { databaseUrlOf, openTestDatabase } from '../testing/test-database.ts';
import { newHome } from '../testing/test-server.ts';
import { openDatabase } from './database.ts';
import { migrate, migrationsFolder } from './migrate.ts';
import { openPostgres, toPostgres } from './postgres.ts';
import { packTokens, unpackTokens } from './schema.ts';
import { openSqlite, sqliteTarget } from './sqlite.ts';
import { uuidv7 } from './uuid.ts';

const onPostgres = inject('postgres') !== undefined;

let home: string;
beforeEach(() => {
  home = newHome();
});

const user = (name = 'somebody') => ({ id: uuidv7(), name, created_at: Date.now() });

describe('openDatabase', () => {
  test('makes every table, with foreign keys', async () => {
    const { db, close, migration } = await openTestDatabase(home);
    expect(migration.applied[0]).toBe('0001-conversations.sql');
    expect(migration.backup).toBeNull();
    const orphan = { id: uuidv7(), owner_id: 'nobody', title: '', created_at: 0, updated_at: 0 };
    await expect(db.insertInto('conversations').values(orphan).execute()).rejects.toThrow(/foreign key/i);
    await close();
  });

  test('a transaction that throws leaves nothing behind', async () => {
    const { db, close } = await openTestDatabase(home);
    const failing = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('users').values(user()).execute();
      throw new Error('stop');
    });
    await expect(failing).rejects.toThrow('stop');
    expect(await db.selectFrom('users').selectAll().execute()).toEqual([]);
    await close();
  });

  test('what a transaction has read is true until it ends', async () => {
    const { db, close } = await openTestDatabase(home);
    const unlessAnybody = () =>
      db.transaction().execute(async (transaction) => {
        const anybody = await transaction.selectFrom('users').select('id').executeTakeFirst();
        if (!anybody) await transaction.insertInto('users').values(user()).execute();
      });
    await Promise.all(Array.from({ length: 8 }, unlessAnybody));
    expect(await db.selectFrom('users').selectAll().execute()).toHaveLength(1);
    await close();
  });

  test('a transaction that does not wait for the disk is one like any other, and the next waits again', async () => {
    const { db, unsynced, close } = await openTestDatabase(home);
    const { id } = user();
    const level = async (transaction: typeof db) =>
      (await sql.raw(`${onPostgres ? 'SHOW synchronous_commit' : 'PRAGMA synchronous'}`).execute(transaction)).rows[0];
    const before = await level(db);
    await unsynced(async (transaction) => {
      await transaction.insertInto('users').values({ id, name: 'kept', created_at: 0 }).execute();
      if (!onPostgres) expect(await level(transaction)).toEqual({ synchronous: 1 });
    });
    const failing = unsynced(async (transaction) => {
      await transaction.insertInto('users').values(user('lost')).execute();
      throw new Error('stop');
    });
    await expect(failing).rejects.toThrow('stop');
    expect(await db.selectFrom('users').select('name').execute()).toEqual([{ name: 'kept' }]);
    expect(await level(db)).toEqual(before);
    if (!onPostgres) expect(before).toEqual({ synchronous: 2 });
    await close();
  });

  test('the same query gives what is true now, also after it failed and after many others', async () => {
    const { db, close } = await openTestDatabase(home);
    const names = () => db.selectFrom('users').select('name').orderBy('id').execute();
    const first = user('first');
    expect(await names()).toEqual([]);
    await db.insertInto('users').values(first).execute();
    await expect(db.insertInto('users').values(first).execute()).rejects.toThrow();
    await db.insertInto('users').values(user('second')).execute();
    for (let count = 1; count <= 400; count++) {
      const ids = Array.from({ length: count }, () => first.id);
      expect(await db.selectFrom('users').select('name').where('id', 'in', ids).execute()).toHaveLength(1);
    }
    expect(await names()).toEqual([{ name: 'first' }, { name: 'second' }]);
    await close();
  });

  test('numbers and bytes come back as they went in', async () => {
    const { db, close } = await openTestDatabase(home);
    const { id } = user();
    const moment = 1_795_000_000_123;
    await db.insertInto('users').values({ id, name: '你好 🙂', created_at: moment }).execute();
    const row = await db.selectFrom('users').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ name: '你好 🙂', created_at: moment, email: null, role: 'user' });
    const counts = await db
      .selectFrom('users')
      .select(({ fn }) => [fn.countAll().as('count'), fn.sum('created_at').as('sum'), fn.max('created_at').as('max')])
      .executeTakeFirstOrThrow();
    expect(counts).toMatchObject({ count: 1, sum: moment, max: moment });
    const tokens = [0, 1, 65_536, 2 ** 32 - 1];
    const conversation = { id: uuidv7(), owner_id: id, title: '', created_at: 0, updated_at: 0 };
    const message = { id: uuidv7(), conversation_id: conversation.id, parent_id: null, content: '', dropped_turns: 0 };
    const model = { model_name: null, weights_hash: null };
    const times = { created_at: 0, updated_at: 0 };
    await db.insertInto('conversations').values(conversation).execute();
    await db
      .insertInto('messages')
      .values({ ...message, ...model, ...times, role: 'assistant', status: 'stop' })
      .execute();
    await db
      .insertInto('generations')
      .values({
        ...model,
        id: uuidv7(),
        message_id: message.id,
        sampling: '{}',
        seed: 2 ** 31,
        prompt_tokens: null,
        answer_tokens: packTokens(tokens),
        continued_tokens: 0,
        dropped_turns: 0,
        finish_reason: null,
        created_at: 0,
        finished_at: null,
      })
      .execute();
    const generation = await db.selectFrom('generations').selectAll().executeTakeFirstOrThrow();
    expect(generation).toMatchObject({ seed: 2 ** 31, prompt_tokens: null });
    expect(unpackTokens(generation.answer_tokens)).toEqual(tokens);
    await close();
  });

  test('a second server on the same database is refused until the first has closed', async () => {
    const first = await openTestDatabase(home);
    await expect(openTestDatabase(home)).rejects.toThrow(/Another Parley server is using .*(PARLEY_HOME|DATABASE_URL)/);
    await first.close();
    await (await openTestDatabase(home)).close();
  });

  test('a home that cannot be made is named', async () => {
    writeFileSync(join(home, 'file'), '');
    await expect(openDatabase(join(home, 'file', 'below'))).rejects.toThrow(/Cannot make the folder/);
  });
});

describe('SQLite', () => {
  test('is in WAL mode, and a file that is no database is named', async () => {
    await (await openSqlite(home)).close();
    const connection = new Libsql(join(home, 'parley.db'));
    expect(connection.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    connection.close();
    const other = newHome();
    writeFileSync(join(other, 'parley.db'), 'these bytes are no database '.repeat(300));
    await expect(openSqlite(other)).rejects.toThrow(/Cannot open the database .*parley\.db.*not a database.*backup/);
  });
});

describe('PostgreSQL', () => {
  test('reads the same migrations after a small translation', () => {
    const written = '-- INTEGER here\nCREATE TABLE a (\n  id INTEGER PRIMARY KEY, -- of (INTEGER)\n  b BLOB\n) STRICT;';
    expect(toPostgres(written).trim()).toBe('CREATE TABLE a (\n  id BIGINT PRIMARY KEY, -- of (BIGINT)\n  b BYTEA\n);');
  });

  test('an address that is none, or where nobody answers, is one clear line without its password', async () => {
    await expect(openPostgres(home, 'nonsense')).rejects.toThrow(/DATABASE_URL is not an address.*postgresql:\/\//);
    const away = openPostgres(home, 'postgresql://ada:secret@127.0.0.1:1/parley').catch((error) => error.message);
    expect(await away).toMatch(
      /^Cannot open the database 127\.0\.0\.1:1\/parley: .*ECONNREFUSED.*PostgreSQL is running/,
    );
    expect(await away).not.toContain('secret');
  });
});

describe('migrate', () => {
  const folderWith = (...files: [string, string][]) => {
    const folder = mkdtempSync(join(home, 'migrations-'));
    cpSync(migrationsFolder, folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    return folder;
  };
  const known = readdirSync(migrationsFolder).length;
  const numbered = (name: string, ahead = 1) => `${String(known + ahead).padStart(4, '0')}-${name}.sql`;
  const open = async () => {
    const connection = new Libsql(join(home, 'm.db'));
    const target = sqliteTarget(connection, join(home, 'm.db'));
    await migrate(target);
    return { connection, target };
  };

  test('applies each file once and copies existing data first', async () => {
    const { connection, target } = await open();
    connection.prepare("INSERT INTO users (id, name, created_at) VALUES ('u', 'local', 1)").run();
    const file = numbered('language');
    const folder = folderWith([file, "ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT 'en';"]);
    const result = await migrate(target, folder);
    expect(result.applied).toEqual([file]);
    expect(await migrate(target, folder)).toEqual({ applied: [], backup: null });
    expect(connection.prepare('SELECT id, language FROM users').all()).toEqual([{ id: 'u', language: 'en' }]);

    const backup = new Libsql(result.backup!);
    expect(backup.prepare('SELECT id, name, created_at FROM users').all()).toEqual([
      { id: 'u', name: 'local', created_at: 1 },
    ]);
    backup.close();
    connection.close();
  });

  test('a file that fails half-way leaves the database as it was, and names the backup', async () => {
    const { connection, target } = await open();
    const file = numbered('broken');
    const folder = folderWith([file, 'CREATE TABLE half (id TEXT); INSERT INTO nowhere VALUES (1);']);
    await expect(migrate(target, folder)).rejects.toThrow(/-broken\.sql failed and was rolled back.*nowhere.*copy/);
    expect(connection.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
    expect(readdirSync(home).some((name) => name.endsWith('.backup'))).toBe(true);
    connection.close();
  });

  test('a changed file, a gap in the numbers and a newer schema are refused', async () => {
    const { connection, target } = await open();
    const file = numbered('more');
    const folder = folderWith([file, 'CREATE TABLE more (id TEXT);']);
    await migrate(target, folder);
    await expect(migrate(target)).rejects.toThrow(
      new RegExp(`schema ${known + 1}, written by a newer Parley; this version knows schema ${known}`),
    );
    appendFileSync(join(folder, file), '-- afterthought');
    await expect(migrate(target, folder)).rejects.toThrow(/-more\.sql was changed after/);
    const gap = numbered('gap', 2);
    await expect(migrate(target, folderWith([gap, 'SELECT 1;']))).rejects.toThrow(`its number should be ${known + 1}`);
    connection.close();
  });

  test.runIf(onPostgres)('PostgreSQL: pg_dump copies what was there before', async () => {
    const url = (await databaseUrlOf(home))!;
    const first = await openPostgres(home, url);
    // As if the newest file had come with this start.
    const newest = readdirSync(migrationsFolder).sort().at(-1)!;
    await sql`CREATE TABLE kept (id TEXT)`.execute(first.db);
    await sql`DELETE FROM schema_migrations WHERE name = ${newest}`.execute(first.db);
    await first.close();
    const error = await openPostgres(home, url).catch((cause) => cause);
    expect(error.message).toMatch(new RegExp(`${newest} failed and was rolled back.*exist.*A copy`));
    expect(readdirSync(home).some((name) => name.endsWith('.backup'))).toBe(true);
  });
});

test('uuidv7 sorts in the order of creation, also within a millisecond and when the clock steps back', () => {
  const now = Date.now() + 10_000;
  const ids = Array.from({ length: 20_000 }, (_, index) => uuidv7(index < 10_000 ? now : now - 5_000));
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids.slice(0, 100))
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(ids[0]!.replace('-', '').slice(0, 12), 16)).toBe(now);
});
