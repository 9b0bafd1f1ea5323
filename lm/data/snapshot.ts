/**
 * Preferences frozen: a folder that never changes, named by the hash of what is in it.
 *
 *     OUT/3f2a09c1b7de/preferences.jsonl    one line per ranking, pair or thumb, as it was given
 *                      snapshot.json        the hash, counts and sources
 *
 * The same preferences give the same folder; later ones, or fewer because somebody took one back, give another beside
 * it. Models name the snapshot that they learned from by its hash.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Snapshot, snapshotSchema } from '@parley/contracts';
import { writeFileAtomic, writeFolderAtomic } from '../checkpoint/index.ts';
import { type JsonLine, kindOf, readJsonLines } from './json-lines.ts';

const readOnly = 0o444;

/**
 * @param collected lines that the server has; they come first
 * @param files further `.jsonl` files
 * @returns the folder and what is in it
 * @throws Error that names the file, the line and the fault; also if there is nothing at all
 */
export function takeSnapshot(
  out: string,
  collected: readonly object[],
  files: readonly string[],
): { folder: string; snapshot: Snapshot } {
  const own: JsonLine[] = collected.map((value, index) => ({ value, where: `collected answer ${index + 1}` }));
  const imported = files.map((file) => ({ name: basename(file), lines: readJsonLines(file).lines }));
  const sources = [...(own.length > 0 ? [{ name: 'server', lines: own }] : []), ...imported];
  const all = sources.flatMap(({ lines }) => lines);
  if (all.length === 0) {
    throw new Error('there is nothing to freeze: nobody has given a thumb, and no --import file holds a line');
  }
  const counts = { rankings: 0, pairs: 0, thumbs: 0 };
  for (const line of all) counts[kindOf(line)]++;
  const text = all.map(({ value }) => `${JSON.stringify(value)}\n`).join('');
  const snapshot: Snapshot = snapshotSchema.parse({
    format: 'parley-snapshot/1',
    hash: createHash('sha256').update(text).digest('hex'),
    lines: counts,
    sources: sources.map(({ name, lines }) => ({ name, lines: lines.length })),
  });
  const folder = join(out, snapshot.hash.slice(0, 12));
  if (existsSync(folder)) readSnapshot(folder);
  else {
    writeFolderAtomic(folder, (temporary) => {
      const files = { 'preferences.jsonl': text, 'snapshot.json': `${JSON.stringify(snapshot, null, 2)}\n` };
      for (const [name, content] of Object.entries(files)) {
        writeFileAtomic(join(temporary, name), content);
        chmodSync(join(temporary, name), readOnly);
      }
    });
  }
  return { folder, snapshot };
}

/** @throws Error when it is not a snapshot, or was changed after it was taken */
export function readSnapshot(folder: string): Snapshot {
  const path = join(folder, 'snapshot.json');
  if (!existsSync(path)) throw new Error(`${folder} is not a snapshot: it has no snapshot.json`);
  const snapshot = snapshotSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const hash = createHash('sha256')
    .update(readFileSync(join(folder, 'preferences.jsonl')))
    .digest('hex');
  if (hash !== snapshot.hash) {
    throw new Error(`${folder} was changed after it was taken (hash ${hash.slice(0, 12)}…); take a new snapshot`);
  }
  return snapshot;
}
