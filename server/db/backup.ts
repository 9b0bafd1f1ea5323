/**
 * A server's whole state in one file, taken while the server runs: a .tar with
 *
 *     backup.json         what it is, and the SHA-256 of the database
 *     database.sqlite     or database.postgres, as of one moment
 *     home/               the files of PARLEY_HOME that cannot be fetched or computed again
 *
 * The database comes first, so every file that a row speaks of is there already when the files are read.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import { z } from 'zod';
import { dumpPostgres, restorePostgres } from './postgres.ts';
import { lockHome, sqlitePath } from './sqlite.ts';

const run = promisify(execFile);

const descriptionSchema = z.object({
  format: z.literal(1),
  database: z.enum(['sqlite', 'postgres']),
  createdAt: z.int(),
  sha256: z.string(),
});
type Description = z.infer<typeof descriptionSchema>;

/** Not in a backup: the database itself, locks and earlier copies, and what can be downloaded again. */
const leftOut = /^(parley\.(db|postgres).*|server\.lock.*|packages|.*\.backup|.*\.partial.*)$/;
/** Nor checkpoints of training that has not ended. */
const leftOutBelow = 'home/runs/*/checkpoints';

/**
 * Writes a backup of the server in `home`, which may be running.
 * @param url the server's DATABASE_URL, if it has one
 * @param out the file, which must not exist yet
 * @throws Error if there is no database, `out` exists, or tar or pg_dump is missing or fails; `out` is then not there
 */
export async function backUp(home: string, url: string | undefined, out: string): Promise<void> {
  if (existsSync(out)) throw new Error(`${out} exists already; choose another name`);
  if (!url && !existsSync(sqlitePath(home))) {
    throw new Error(`there is no database ${sqlitePath(home)}; set PARLEY_HOME to the server's folder`);
  }
  mkdirSync(dirname(resolve(out)), { recursive: true });
  // Beside the result: what is large is written once, and renaming is atomic.
  const stage = mkdtempSync(`${resolve(out)}.partial-`);
  try {
    const database = url ? 'postgres' : 'sqlite';
    const file = join(stage, `database.${database}`);
    if (url) await dump(url, file);
    else copySqlite(home, file);
    const description: Description = { format: 1, database, createdAt: Date.now(), sha256: await sha256(file) };
    writeFileSync(join(stage, 'backup.json'), `${JSON.stringify(description, null, 2)}\n`);
    symlinkSync(resolve(home), join(stage, 'home'));
    const archive = join(stage, 'archive.tar');
    await tar(['--create', '--file', archive, '--directory', stage, 'backup.json', `database.${database}`]);
    const kept = readdirSync(home).filter((name) => !leftOut.test(name));
    if (kept.length > 0) await append(archive, stage, kept);
    sync(archive);
    renameSync(archive, out);
    sync(dirname(resolve(out)));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/**
 * Brings a backup back into an empty `home`, or an empty PostgreSQL database.
 * @throws Error if there is anything already, the file is damaged, or it holds the other kind of database; nothing is
 * changed then
 */
export async function restore(home: string, url: string | undefined, file: string): Promise<void> {
  if (!existsSync(file)) throw new Error(`there is no backup ${file}`);
  if (existsSync(sqlitePath(home))) {
    throw new Error(`${home} holds a server's data already; move it away, or set PARLEY_HOME to another folder`);
  }
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const lock = lockHome(home);
  const stage = mkdtempSync(join(home, 'restore.partial-'));
  try {
    await tar(['--extract', '--file', resolve(file), '--directory', stage]);
    const { database, sha256: expected } = describe(stage, file);
    if ((database === 'postgres') !== Boolean(url)) {
      throw new Error(
        url
          ? `${file} holds an SQLite database; leave DATABASE_URL unset`
          : `${file} holds a PostgreSQL database; set DATABASE_URL to an empty one`,
      );
    }
    const dumped = join(stage, `database.${database}`);
    if (!existsSync(dumped) || (await sha256(dumped)) !== expected) {
      throw new Error(`${file} is damaged: its database is not what was backed up`);
    }
    const files = existsSync(join(stage, 'home')) ? readdirSync(join(stage, 'home')) : [];
    const inTheWay = files.find((name) => existsSync(join(home, name)));
    if (inTheWay) throw new Error(`${join(home, inTheWay)} exists already; set PARLEY_HOME to an empty folder`);
    if (url) await restorePostgres(url, dumped);
    for (const name of files) renameSync(join(stage, 'home', name), join(home, name));
    // Last: a home without a database is not yet a server's.
    if (!url) renameSync(dumped, sqlitePath(home));
    sync(home);
  } finally {
    rmSync(stage, { recursive: true, force: true });
    lock.close();
  }
}

async function dump(url: string, file: string): Promise<void> {
  if (!(await dumpPostgres(url, file))) {
    throw new Error('pg_dump is missing; install the client programs of PostgreSQL (Debian: postgresql-client)');
  }
}

function copySqlite(home: string, file: string): void {
  const connection = new Libsql(sqlitePath(home));
  try {
    connection.prepare('PRAGMA busy_timeout = 30000').all();
    connection.prepare('VACUUM INTO ?').run(file);
  } finally {
    connection.close();
  }
}

function describe(stage: string, file: string): Description {
  try {
    return descriptionSchema.parse(JSON.parse(readFileSync(join(stage, 'backup.json'), 'utf8')));
  } catch (cause) {
    throw new Error(`${file} is no backup of this version of Parley: its backup.json cannot be read`, { cause });
  }
}

async function append(archive: string, stage: string, names: string[]): Promise<void> {
  const files = names.map((name) => `home/${name}`);
  try {
    await tar(['--append', '--file', archive, '--directory', stage, `--exclude=${leftOutBelow}`, ...files]);
  } catch (error) {
    // GNU tar's 1: a file changed while it was read. A run's log grows; nothing that rows speak of does.
    if ((error as Error & { cause: { code?: unknown } }).cause.code !== 1) throw error;
  }
}

async function tar(args: string[]): Promise<void> {
  try {
    await run('tar', args);
  } catch (cause) {
    const { code, stderr = '', message } = cause as { code?: unknown; stderr?: string; message: string };
    if (code === 'ENOENT') throw new Error('the program tar is missing; install it', { cause });
    throw new Error(`tar failed: ${(stderr || message).trim().split('\n')[0]}`, { cause });
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
