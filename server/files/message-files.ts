/** Which files belong to which message, and how much of them an answer was given. */
import type { MessageFile } from '@parley/contracts';
import type { SelectQueryBuilder } from 'kysely';
import type { Db } from '../db/database.ts';
import type { Tables } from '../db/schema.ts';
import { HttpError } from '../http/errors.ts';

/** A file with what the model may be given of it. */
export interface Document extends MessageFile {
  text: string;
}

/** @throws HttpError 404 for a file that is not the owner's, 409 for one that is not ready */
export async function readyFiles(db: Db, owner: string, ids: readonly string[]): Promise<MessageFile[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom('files')
    .select(['id', 'name', 'characters', 'state'])
    .where('id', 'in', ids)
    .where('owner_id', '=', owner)
    .execute();
  return [...new Set(ids)].map((id) => {
    const row = rows.find((file) => file.id === id);
    if (!row) throw new HttpError(404, 'file_not_found', `There is no file ${id}.`, { param: 'fileIds' });
    if (row.state !== 'ready') {
      throw new HttpError(409, 'file_not_ready', `The file ${row.name} is not ready to be read.`, { param: 'fileIds' });
    }
    return { id, name: row.name, characters: row.characters, charactersRead: null };
  });
}

export async function attachFiles(db: Db, messageId: string, files: readonly MessageFile[]): Promise<void> {
  if (files.length > 0) await db.insertInto('message_files').values(rowsOf(messageId, files)).execute();
}

/** An answer that is continued may be given more or less than before. */
export async function noteWhatWasRead(db: Db, messageId: string, files: readonly MessageFile[]): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('message_files').where('message_id', '=', messageId).execute();
    await transaction.insertInto('message_files').values(rowsOf(messageId, files)).execute();
  });
}

/** The files of the questions among the messages, in the order in which they came. */
export async function documentsOf(db: Db, messageIds: readonly string[]): Promise<Document[]> {
  const rows = await db
    .selectFrom('message_files')
    .innerJoin('files', 'files.id', 'message_files.file_id')
    .select(['files.id', 'files.name', 'files.characters', 'files.text'])
    .where('message_files.message_id', 'in', messageIds)
    .where('message_files.characters_read', 'is', null)
    .orderBy('message_files.message_id')
    .orderBy('message_files.position')
    .execute();
  const once = new Map(rows.map((row) => [row.id, { ...row, charactersRead: null }]));
  return [...once.values()];
}

/** By message. @param which narrows it to some messages */
export async function filesOfMessages(
  db: Db,
  which: (query: FilesOfMessages) => FilesOfMessages,
): Promise<Map<string, MessageFile[]>> {
  const query = db
    .selectFrom('message_files')
    .innerJoin('files', 'files.id', 'message_files.file_id')
    .innerJoin('messages', 'messages.id', 'message_files.message_id')
    .select([
      'message_files.message_id',
      'files.id',
      'files.name',
      'files.characters',
      'message_files.characters_read',
    ]);
  const rows = await which(query).orderBy('message_files.position').execute();
  const byMessage = new Map<string, MessageFile[]>();
  for (const { message_id, id, name, characters, characters_read } of rows) {
    const files = byMessage.get(message_id) ?? [];
    files.push({ id, name, characters, charactersRead: characters_read });
    byMessage.set(message_id, files);
  }
  return byMessage;
}

type FilesOfMessages = SelectQueryBuilder<
  Tables,
  'message_files' | 'files' | 'messages',
  { message_id: string; id: string; name: string; characters: number; characters_read: number | null }
>;

function rowsOf(messageId: string, files: readonly MessageFile[]) {
  return files.map(({ id, charactersRead }, position) => ({
    message_id: messageId,
    file_id: id,
    position,
    characters_read: charactersRead,
  }));
}
