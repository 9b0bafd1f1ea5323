/** Every model that this server has known, under the name that clients ask for it by. */
import { resolve } from 'node:path';
import { type Manifest, manifestSchema } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { HttpError } from '../http/errors.ts';
import type { ModelDescription } from '../inference/protocol.ts';
import type { ModelRow } from './tables.ts';

export interface RegisteredModel {
  id: string;
  folder: string;
  manifest: Manifest;
  /** Tokens. */
  context: number;
  registeredAt: number;
  /** When its folder was given up; null while it can be used. */
  removedAt: number | null;
}

export class ModelRegistry {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Those that can be used, newest first. */
  async list(): Promise<RegisteredModel[]> {
    const rows = await this.#db
      .selectFrom('models')
      .selectAll()
      .where('removed_at', 'is', null)
      .orderBy('registered_at', 'desc')
      .orderBy('id')
      .execute();
    return rows.map(toModel);
  }

  /** Also those that were removed, oldest first: lineage goes through them. */
  async listAll(): Promise<RegisteredModel[]> {
    const rows = await this.#db.selectFrom('models').selectAll().orderBy('registered_at').orderBy('id').execute();
    return rows.map(toModel);
  }

  /** Those that write answers. */
  async listChat(): Promise<RegisteredModel[]> {
    return (await this.list()).filter(({ manifest }) => writesAnswers(manifest));
  }

  /** @throws HttpError 404 */
  async get(id: string): Promise<RegisteredModel> {
    const row = await this.#db
      .selectFrom('models')
      .selectAll()
      .where('id', '=', id)
      .where('removed_at', 'is', null)
      .executeTakeFirst();
    if (row) return toModel(row);
    throw await this.#noSuchModel(id);
  }

  /** Also one that was removed. @throws HttpError 404 */
  async getAny(id: string): Promise<RegisteredModel> {
    const row = await this.#db.selectFrom('models').selectAll().where('id', '=', id).executeTakeFirst();
    if (row) return toModel(row);
    throw await this.#noSuchModel(id);
  }

  /** @throws HttpError 404 also for a model that scores answers and writes none */
  async getChat(id: string): Promise<RegisteredModel> {
    const model = await this.get(id);
    if (writesAnswers(model.manifest)) return model;
    throw await this.#noSuchModel(id);
  }

  /** Also one that was removed; null if there was none. */
  async findByHash(weightsHash: string): Promise<RegisteredModel | null> {
    const row = await this.#db
      .selectFrom('models')
      .selectAll()
      .where('weights_hash', '=', weightsHash)
      .executeTakeFirst();
    return row ? toModel(row) : null;
  }

  /**
   * Notes a model, or where a known one lies now.
   * @returns it, with the name that it got: its own, or that with the first digits of its hash if it is taken
   */
  async register(
    folder: string,
    { manifest, context }: Pick<ModelDescription, 'manifest' | 'context'>,
  ): Promise<RegisteredModel> {
    const place = { folder: resolve(folder), removed_at: null };
    const known = await this.findByHash(manifest.weightsHash);
    if (known) {
      await this.#db.updateTable('models').set(place).where('id', '=', known.id).execute();
      return { ...known, folder: place.folder, removedAt: null };
    }
    const taken = await this.#db.selectFrom('models').select('id').where('id', '=', manifest.name).executeTakeFirst();
    const row: ModelRow = {
      id: taken ? `${manifest.name}-${manifest.weightsHash.slice(0, 6)}` : manifest.name,
      weights_hash: manifest.weightsHash,
      manifest: JSON.stringify(manifest),
      context,
      registered_at: Date.now(),
      ...place,
    };
    await this.#db.insertInto('models').values(row).execute();
    return toModel(row);
  }

  async markRemoved(id: string): Promise<void> {
    await this.#db.updateTable('models').set({ removed_at: Date.now() }).where('id', '=', id).execute();
  }

  async #noSuchModel(id: string): Promise<HttpError> {
    const names = (await this.listChat()).map((model) => `'${model.id}'`);
    return new HttpError(
      404,
      'model_not_found',
      `The model '${id}' does not exist here. This server has ${names.join(', ') || 'none yet'}.`,
      { param: 'model' },
    );
  }
}

/** A reward model continues no text. */
const writesAnswers = ({ stage }: Manifest): boolean => stage !== 'reward';

function toModel(row: ModelRow): RegisteredModel {
  return {
    id: row.id,
    folder: row.folder,
    manifest: manifestSchema.parse(JSON.parse(row.manifest)),
    context: row.context,
    registeredAt: row.registered_at,
    removedAt: row.removed_at,
  };
}
