import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { migrate, migrationsFolder } from './migrate.ts';
import { packTokens, unpackTokens } from './schema.ts';
import { uuidv7 } from './uuid.ts';

const shipped = readdirSync(migrationsFolder).sort();
/** The name of a migration that comes after the shipped ones. */
const later = (place: number, name: string) => `${String(shipped.length + place).padStart(4, '0')}-${name}.sql`;

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'parley-db-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const user = () => ({ id: uuidv7(), name: 'local', created_at: Date.now() });

describe('openDatabase', () => {
  test('makes a private file in WAL mode with full durability and foreign keys', async () => {
    const { db, close, migration } = openDatabase(home);
    expect(migration).toEqual({ applied: shipped, backup: null });
    await expect(
      db
        .insertInto('conversations')
        .values({ id: uuidv7(), owner_id: 'nobody', title: '', created_at: 0, updated_at: 0 })
        .execute(),
    ).rejects.toThrow('FOREIGN KEY');
    await close();

    const connection = new Libsql(join(home, 'parley.db'));
    expect(connection.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
    connection.close();
  });

  test('a transaction that throws leaves nothing behind', async () => {
    const { db, close } = openDatabase(home);
    const failing = db.transaction().execute(async (transaction) => {
      await transaction.insertInto('users').values(user()).execute();
      throw new Error('stop');
    });
    await expect(failing).rejects.toThrow('stop');
    expect(await db.selectFrom('users').selectAll().execute()).toEqual([]);
    await close();
  });

  test('a second server on the same home is refused until the first has closed', async () => {
    const first = openDatabase(home);
    expect(() => openDatabase(home)).toThrow(/Another Parley server is using .*PARLEY_HOME/);
    await first.close();
    await openDatabase(home).close();
  });

  test('a file that is not a database and a home that cannot be made are named', () => {
    writeFileSync(join(home, 'parley.db'), 'these bytes are no database '.repeat(300));
    expect(() => openDatabase(home)).toThrow(/Cannot open the database .*parley\.db.*not a database.*backup/);
    expect(() => openDatabase(join(home, 'parley.db', 'below'))).toThrow(/Cannot make the folder/);
  });
});

describe('migrate', () => {
  const folderWith = (...files: [string, string][]) => {
    const folder = mkdtempSync(join(home, 'migrations-'));
    cpSync(migrationsFolder, folder, { recursive: true });
    for (const [name, sql] of files) writeFileSync(join(folder, name), sql);
    return folder;
  };
  const open = () => {
    const path = join(home, 'm.db');
    return { connection: new Libsql(path), path };
  };

  test('applies each file once and copies existing data first', () => {
    const { connection, path } = open();
    migrate(connection, path);
    connection.prepare('INSERT INTO users VALUES (?, ?, ?)').run('u', 'local', 1);
    const folder = folderWith([
      later(1, 'language'),
      "ALTER TABLE users ADD COLUMN language TEXT NOT NULL DEFAULT 'en';",
    ]);
    const result = migrate(connection, path, folder);
    expect(result.applied).toEqual([later(1, 'language')]);
    expect(migrate(connection, path, folder)).toEqual({ applied: [], backup: null });
    expect(connection.prepare('SELECT id, language FROM users').all()).toEqual([{ id: 'u', language: 'en' }]);

    const backup = new Libsql(result.backup!);
    expect(backup.prepare('SELECT * FROM users').all()).toEqual([{ id: 'u', name: 'local', created_at: 1 }]);
    backup.close();
    connection.close();
  });

  test('a file that fails half-way leaves the database as it was, and names the backup', () => {
    const { connection, path } = open();
    migrate(connection, path);
    const folder = folderWith([later(1, 'broken'), 'CREATE TABLE half (id TEXT); INSERT INTO nowhere VALUES (1);']);
    expect(() => migrate(connection, path, folder)).toThrow(/-broken\.sql failed and was rolled back.*nowhere.*copy/);
    expect(connection.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all()).toEqual([]);
    expect(readdirSync(home).some((file) => file.endsWith('.backup'))).toBe(true);
    connection.close();
  });

  test('a changed file, a gap in the numbers and a newer schema are refused', () => {
    const { connection, path } = open();
    const folder = folderWith([later(1, 'more'), 'CREATE TABLE more (id TEXT);']);
    migrate(connection, path, folder);
    expect(() => migrate(connection, path)).toThrow(
      `schema ${shipped.length + 1}, written by a newer Parley; this version knows schema ${shipped.length}`,
    );
    appendFileSync(join(folder, later(1, 'more')), '-- afterthought');
    expect(() => migrate(connection, path, folder)).toThrow(/-more\.sql was changed after/);
    expect(() => migrate(connection, path, folderWith([later(2, 'gap'), 'SELECT 1;']))).toThrow(
      new RegExp(`-gap\\.sql.*should be ${shipped.length + 1}`),
    );
    connection.close();
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

test('token ids survive the column', () => {
  const tokens = [0, 1, 65_536, 2 ** 32 - 1];
  expect(unpackTokens(packTokens(tokens))).toEqual(tokens);
});
