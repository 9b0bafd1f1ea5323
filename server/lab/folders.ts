/**
 * What the Lab keeps in the server's home:
 *
 *     runs/NAME/          a job's run directory, with its log.txt and result.json
 *     snapshots/HASH/     preferences, frozen: see lm/data/snapshot.ts
 *     data/NAME           data folders and .jsonl files that somebody put there
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type LabSnapshot, snapshotSchema } from '@parley/contracts';
import { HttpError } from '../http/errors.ts';

export class LabFolders {
  readonly runs: string;
  readonly snapshots: string;
  readonly data: string;

  constructor(home: string) {
    this.runs = join(home, 'runs');
    this.snapshots = join(home, 'snapshots');
    this.data = join(home, 'data');
  }

  /**
   * A snapshot or data by name.
   * @param kind 'snapshot' or 'data'
   * @throws HttpError 404, also for a name that leads elsewhere
   */
  path(kind: string, name: string): string {
    const parent = kind === 'snapshot' ? this.snapshots : this.data;
    if (!this.#names(parent).includes(name)) {
      throw new HttpError(404, 'input_not_found', `There is no ${kind} '${name}' here.`);
    }
    return join(parent, name);
  }

  /** Newest first. */
  listSnapshots(): LabSnapshot[] {
    return this.#names(this.snapshots)
      .flatMap((name) => {
        const file = join(this.snapshots, name, 'snapshot.json');
        if (!existsSync(file)) return [];
        const { hash, lines } = snapshotSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
        return [{ name, hash, lines, createdAt: Math.round(statSync(file).mtimeMs) }];
      })
      .sort((one, other) => other.createdAt - one.createdAt);
  }

  listData(): string[] {
    return this.#names(this.data).filter(
      (name) => name.endsWith('.jsonl') || statSync(join(this.data, name)).isDirectory(),
    );
  }

  #names(folder: string): string[] {
    return existsSync(folder) ? readdirSync(folder).filter((name) => !name.includes('.partial-')) : [];
  }
}
