/**
 * Folders of public repositories' files under `--local DIR`: one folder per collection, each with the files and
 * a SOURCE.txt whose `repository:`, `commit:` and `licence:` lines say where anyone can get the same files.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export class LocalFolder {
  readonly path: string;

  constructor(local: string | undefined, name: string) {
    if (local === undefined)
      throw new Error(`the source '${name}' needs a folder of corpora; give one with --local DIR`);
    this.path = join(local, name);
    if (!existsSync(this.path))
      throw new Error(`${this.path} does not exist; --local needs a folder that holds '${name}'`);
  }

  /** Paths of all files below, relative, sorted by code unit so that the order is the same everywhere. */
  files(name: RegExp): string[] {
    return readdirSync(this.path, { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => name.test(path))
      .sort((a, b) => naturalKey(a).localeCompare(naturalKey(b), 'en'));
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8');
  }

  /** `repository@commit` and the licences as the SOURCE.txt files below state them. */
  provenance(): { origin: string; licence: string } {
    const notes = this.files(/SOURCE\.txt$/).map((file) => this.read(file));
    const fields = (name: string) =>
      notes.flatMap((text) =>
        [...text.matchAll(new RegExp(`^${name}: *(.*)$`, 'gm'))].map((match) => match[1]!.trim()),
      );
    const commits = fields('commit');
    const origins = fields('repository').map((repository, i) => `${repository}@${commits[i]?.slice(0, 10)}`);
    const licences = fields('licence');
    const shown =
      origins.slice(0, 3).join(', ') + (origins.length > 3 ? ` and ${origins.length - 3} more of the kind` : '');
    return { origin: shown, licence: [...new Set(licences)].join('; ') };
  }
}

/** Pads numbers, so that chapter-2 comes before chapter-10. */
function naturalKey(path: string): string {
  return path.replace(/\d+/g, (digits) => digits.padStart(6, '0'));
}
