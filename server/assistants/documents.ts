/**
 * The documents of an assistant. One is stored and acknowledged first and made searchable after that, one after
 * another, in the background; what a restart found half read is read again.
 */
import {
  type AssistantDocument,
  type DocumentRequest,
  type Excerpt,
  longestDocument,
  mostDocuments,
} from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import { uuidv7 } from '../db/uuid.ts';
import { readyFiles } from '../files/message-files.ts';
import { HttpError } from '../http/errors.ts';
import { assistantOf } from './assistants.ts';
import { indexDocument } from './document-index.ts';
import type { DocumentRow } from './tables.ts';

/** Characters of a document shown on either side of a passage. */
const excerptMargin = 6_000;

export class Documents {
  readonly #db: Db;
  readonly #log: FastifyBaseLogger;
  #reading: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(db: Db, log: FastifyBaseLogger) {
    this.#db = db;
    this.#log = log;
  }

  /** Goes on with what the last process did not finish. */
  async recover(): Promise<void> {
    const rows = await this.#db.selectFrom('documents').select('id').where('state', '=', 'reading').execute();
    for (const { id } of rows) this.#read(id);
  }

  /** Waits for the document that is being read; the others are read after the next start. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#reading;
  }

  /** Oldest first. @throws HttpError 404 */
  async list(user: string, assistantId: string): Promise<AssistantDocument[]> {
    await assistantOf(this.#db, user, assistantId);
    const rows = await this.#select()
      .where('documents.assistant_id', '=', assistantId)
      .orderBy('documents.id')
      .execute();
    return rows.map(toDocument);
  }

  /** @throws HttpError 404, 403, 409 if there are too many, 422 if there is nothing to read in it or too much */
  async add(user: string, assistantId: string, request: DocumentRequest): Promise<AssistantDocument> {
    const { documents } = await assistantOf(this.#db, user, assistantId, 'change');
    if (documents >= mostDocuments) {
      throw new HttpError(
        409,
        'too_many_documents',
        `An assistant has at most ${mostDocuments} documents. Delete one first.`,
      );
    }
    const { name, text } = 'fileId' in request ? await this.#fileText(user, request.fileId) : request;
    const stored = storableText(text).replace(/\r\n?/g, '\n');
    if (!/[\p{L}\p{N}]/u.test(stored)) {
      throw new HttpError(
        422,
        'no_text',
        `${name} has no words in it. A scanned PDF has to be recognised as text first.`,
      );
    }
    const id = uuidv7();
    await this.#db
      .insertInto('documents')
      .values({
        id,
        assistant_id: assistantId,
        name: storableText(name),
        text: stored,
        state: 'reading',
        failure: null,
        created_at: Date.now(),
      })
      .execute();
    this.#read(id);
    return toDocument(await this.#select().where('documents.id', '=', id).executeTakeFirstOrThrow());
  }

  /** @throws HttpError 404, 403 */
  async remove(user: string, id: string): Promise<void> {
    const { assistant_id } = await this.#visible(user, id);
    await assistantOf(this.#db, user, assistant_id, 'change');
    await this.#db.deleteFrom('documents').where('id', '=', id).execute();
  }

  /** @throws HttpError 404; 400 if the document is shorter */
  async excerpt(user: string, id: string, { start, end }: { start: number; end: number }): Promise<Excerpt> {
    const { name, text } = await this.#visible(user, id);
    if (end > text.length) {
      throw new HttpError(400, 'invalid_request', `end: ${end} lies beyond the document's ${text.length} characters.`, {
        param: 'end',
      });
    }
    const from = Math.max(0, start - excerptMargin);
    const to = Math.min(text.length, end + excerptMargin);
    return {
      documentId: id,
      name,
      before: text.slice(from, start),
      passage: text.slice(start, end),
      after: text.slice(end, to),
      moreBefore: from > 0,
      moreAfter: to < text.length,
    };
  }

  async #fileText(user: string, fileId: string): Promise<{ name: string; text: string }> {
    const [file] = await readyFiles(this.#db, user, [fileId]);
    if (file!.characters > longestDocument) {
      throw new HttpError(
        422,
        'document_too_long',
        `${file!.name} has ${file!.characters} characters; a document has at most ${longestDocument}. Split it.`,
      );
    }
    return this.#db.selectFrom('files').select(['name', 'text']).where('id', '=', fileId).executeTakeFirstOrThrow();
  }

  /** The document, if its assistant may be seen. */
  async #visible(user: string, id: string) {
    const row = await this.#db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst();
    const missing = () => new HttpError(404, 'document_not_found', `There is no document ${id}.`);
    if (!row) throw missing();
    await assistantOf(this.#db, user, row.assistant_id).catch((error: unknown) => {
      throw error instanceof HttpError ? missing() : error;
    });
    return row;
  }

  #read(id: string): void {
    this.#reading = this.#reading
      .then(async () => {
        if (this.#closing) return;
        try {
          await indexDocument(this.#db, id);
          await this.#settle(id, 'ready', null);
        } catch (error) {
          const gone =
            (await this.#db.selectFrom('documents').select('id').where('id', '=', id).execute()).length === 0;
          if (gone) return;
          this.#log.error(error, 'a document could not be read');
          await this.#settle(id, 'failed', (error as Error).message);
        }
      })
      .catch((error: unknown) => this.#log.error(error, 'the state of a document could not be saved'));
  }

  async #settle(id: string, state: AssistantDocument['state'], failure: string | null): Promise<void> {
    await this.#db.updateTable('documents').set({ state, failure }).where('id', '=', id).execute();
  }

  #select() {
    return this.#db
      .selectFrom('documents')
      .select(['id', 'assistant_id', 'name', 'text', 'state', 'failure', 'created_at'])
      .select(({ selectFrom }) =>
        selectFrom('passages')
          .whereRef('passages.document_id', '=', 'documents.id')
          .select(({ fn }) => fn.countAll().as('count'))
          .as('passages'),
      );
  }
}

function toDocument(row: DocumentRow & { passages: string | number | bigint | null }): AssistantDocument {
  return {
    id: row.id,
    assistantId: row.assistant_id,
    name: row.name,
    characters: row.text.length,
    state: row.state,
    failure: row.failure,
    passages: Number(row.passages ?? 0),
    createdAt: row.created_at,
  };
}
