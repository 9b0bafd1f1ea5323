/**
 * Uploaded files. The bytes are streamed into a file with a name of our own, read there, and deleted; what is kept is
 * the text. An upload is acknowledged when it is stored; whether it can be read is seen a moment later.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { largestUploadBytes, type UploadedFile } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import type { FileRow } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { HttpError } from '../http/errors.ts';
import { FileReader } from './file-reader.ts';

/** Per owner: files, and characters of their texts. */
const mostFiles = 500;
const mostCharacters = 50_000_000;
const forgottenAfterMilliseconds = 24 * 3600_000;

export class Files {
  readonly #db: Db;
  readonly #log: FastifyBaseLogger;
  readonly #folder: string;
  readonly #reader = new FileReader();
  readonly #reading = new Set<Promise<void>>();

  constructor(db: Db, home: string, log: FastifyBaseLogger) {
    this.#db = db;
    this.#log = log;
    this.#folder = join(home, 'uploads');
  }

  /** What the last process was reading is gone with it. */
  async recover(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await this.#db
      .updateTable('files')
      .set({ state: 'failed', problem: 'interrupted' })
      .where('state', '=', 'reading')
      .execute();
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await Promise.all(this.#reading);
  }

  /** @throws HttpError 413 if it is too large, 400 if it is empty, 409 if the owner's quota is used up */
  async upload(owner: string, name: string, body: Readable): Promise<UploadedFile> {
    await this.#forgetUnused(owner);
    await this.#checkQuota(owner);
    const id = uuidv7();
    const path = join(this.#folder, id);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    try {
      const bytes = await store(body, path);
      const row: FileRow = {
        id,
        owner_id: owner,
        name: displayName(name),
        bytes,
        state: 'reading',
        problem: null,
        characters: 0,
        cut: 0,
        text: '',
        created_at: Date.now(),
      };
      await this.#db.insertInto('files').values(row).execute();
      this.#read(id, path);
      return toFile(row);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** @throws HttpError 404 */
  async get(owner: string, id: string): Promise<UploadedFile> {
    const row = await this.#db
      .selectFrom('files')
      .select(['id', 'name', 'bytes', 'state', 'problem', 'characters', 'cut', 'created_at'])
      .where('id', '=', id)
      .where('owner_id', '=', owner)
      .executeTakeFirst();
    if (!row) throw noSuchFile(id);
    return toFile(row);
  }

  /** It leaves the messages that it was given with. @throws HttpError 404 */
  async remove(owner: string, id: string): Promise<void> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('files')
      .where('id', '=', id)
      .where('owner_id', '=', owner)
      .executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) throw noSuchFile(id);
  }

  #read(id: string, path: string): void {
    const work = this.#reader
      .read(path)
      .then(async (result) => {
        await rm(path, { force: true });
        const change =
          'problem' in result
            ? { state: 'failed' as const, problem: result.problem }
            : {
                state: 'ready' as const,
                text: result.text,
                characters: result.text.length,
                cut: result.cut ? 1 : 0,
              };
        await this.#db.updateTable('files').set(change).where('id', '=', id).execute();
      })
      .catch((error: unknown) => this.#log.error(error, 'the text of a file could not be saved'))
      .finally(() => this.#reading.delete(work));
    this.#reading.add(work);
  }

  async #checkQuota(owner: string): Promise<void> {
    const { files, characters } = await this.#db
      .selectFrom('files')
      .select(({ fn }) => [fn.countAll().as('files'), fn.sum('characters').as('characters')])
      .where('owner_id', '=', owner)
      .executeTakeFirstOrThrow();
    if (Number(files) < mostFiles && Number(characters ?? 0) < mostCharacters) return;
    throw new HttpError(
      409,
      'quota_used_up',
      `You have ${files} files of ${characters} characters; ${mostFiles} files and ${mostCharacters} characters are the limit. Delete conversations with files first.`,
    );
  }

  async #forgetUnused(owner: string): Promise<void> {
    await this.#db
      .deleteFrom('files')
      .where('owner_id', '=', owner)
      .where('created_at', '<', Date.now() - forgottenAfterMilliseconds)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('message_files')
              .select('message_files.file_id')
              .whereRef('message_files.file_id', '=', 'files.id'),
          ),
        ),
      )
      .execute();
  }
}

/** @returns how many bytes there were */
async function store(body: Readable, path: string): Promise<number> {
  let bytes = 0;
  await pipeline(
    body,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > largestUploadBytes) throw tooLarge();
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  if (bytes === 0) throw new HttpError(400, 'empty_file', 'The file is empty.');
  return bytes;
}

export function tooLarge(): HttpError {
  return new HttpError(
    413,
    'file_too_large',
    `The file is larger than ${largestUploadBytes / 1e6} MB. Split it, or take the part that matters.`,
  );
}

/** The last part of a path, without what no eye can see. It is shown, and never used as a path. */
function displayName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  return storableText(last.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')).trim() || 'file';
}

function toFile(row: Omit<FileRow, 'owner_id' | 'text'>): UploadedFile {
  const { id, name, bytes, state, problem, characters, cut, created_at } = row;
  return { id, name, bytes, state, problem, characters, cut: cut === 1, createdAt: created_at };
}

function noSuchFile(id: string): HttpError {
  return new HttpError(404, 'file_not_found', `There is no file ${id}.`);
}
