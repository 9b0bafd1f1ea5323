/**
 * What people said, frozen: a folder that never changes, named by the hash of what is in it.
 *
 *     OUT/3f2a09c1b7de/preferences.jsonl       one line per ranking, pair or thumb, as it was given
 *                      demonstrations.jsonl    one conversation that somebody wrote per line, where there are any
 *                      labels.jsonl            one labelled answer per line, where there are any
 *                      snapshot.json           the hash, counts and sources
 *
 * The same lines give the same folder; later ones, or fewer because somebody took one back, give another beside it.
 * Models name the snapshot that they learned from by its hash.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Snapshot, snapshotSchema } from '@parley/contracts';
import { writeFileAtomic, writeFolderAtomic } from '../checkpoint/index.ts';
import { type JsonLine, kindOf, type LineKind, readJsonLines } from './json-lines.ts';

const files = ['preferences.jsonl', 'demonstrations.jsonl', 'labels.jsonl'];
const fileOf: Record<LineKind, string> = {
  ...{ rankings: files[0]!, pairs: files[0]!, thumbs: files[0]! },
  ...{ demonstrations: files[1]!, labels: files[2]! },
};
const readOnly = 0o444;

/**
 * @param collected lines that the server has, preferences and demonstrations alike; they come first
 * @param imports further `.jsonl` files
 * @returns the folder and what is in it
 * @throws Error that names the file, the line and the fault; also if there is nothing at all
 */
export function takeSnapshot(
  out: string,
  collected: readonly object[],
  imports: readonly string[],
): { folder: string; snapshot: Snapshot } {
  const own: JsonLine[] = collected.map((value, index) => ({ value, where: `collected line ${index + 1}` }));
  const imported = imports.map((file) => ({ name: basename(file), lines: readJsonLines(file).lines }));
  const sources = [...(own.length > 0 ? [{ name: 'server', lines: own }] : []), ...imported];
  const all = sources.flatMap(({ lines }) => lines);
  if (all.length === 0) {
    throw new Error(
      'there is nothing to freeze: nobody has given a thumb, ranked or written anything, and no --import file holds a line',
    );
  }
  const kinds = all.map(kindOf);
  const count = (kind: LineKind) => kinds.filter((other) => other === kind).length;
  const texts = files.map((file) =>
    all
      .filter((_, index) => fileOf[kinds[index]!] === file)
      .map(({ value }) => `${JSON.stringify(value)}\n`)
      .join(''),
  );
  const snapshot: Snapshot = snapshotSchema.parse({
    format: 'parley-snapshot/1',
    hash: hashOf(texts),
    lines: {
      rankings: count('rankings'),
      pairs: count('pairs'),
      thumbs: count('thumbs'),
      demonstrations: count('demonstrations'),
      labels: count('labels'),
    },
    sources: sources.map(({ name, lines }) => ({ name, lines: lines.length })),
  });
  const folder = join(out, snapshot.hash.slice(0, 12));
  if (existsSync(folder)) readSnapshot(folder);
  else {
    writeFolderAtomic(folder, (temporary) => {
      const write = (name: string, content: string) => {
        writeFileAtomic(join(temporary, name), content);
        chmodSync(join(temporary, name), readOnly);
      };
      for (const [index, text] of texts.entries()) {
        // Whoever reads preferences finds an empty file rather than none.
        if (text !== '' || index === 0) write(files[index]!, text);
      }
      write('snapshot.json', `${JSON.stringify(snapshot, null, 2)}\n`);
    });
  }
  return { folder, snapshot };
}

/** @throws Error when it is not a snapshot, or was changed after it was taken */
export function readSnapshot(folder: string): Snapshot {
  const path = join(folder, 'snapshot.json');
  if (!existsSync(path)) throw new Error(`${folder} is not a snapshot: it has no snapshot.json`);
  const snapshot = snapshotSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const hash = hashOf(files.map((name) => readIfThere(join(folder, name))));
  if (hash !== snapshot.hash) {
    throw new Error(`${folder} was changed after it was taken (hash ${hash.slice(0, 12)}…); take a new snapshot`);
  }
  return snapshot;
}

/** The ids of all lines that have one. @throws Error as `readSnapshot` */
export function readSnapshotIds(folder: string): Set<string> {
  readSnapshot(folder);
  const lines = files
    .map((name) => join(folder, name))
    .flatMap((path) => (existsSync(path) ? readJsonLines(path).lines : []));
  return new Set(lines.flatMap(({ value }) => ('id' in value && typeof value.id === 'string' ? [value.id] : [])));
}

function readIfThere(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}

function hashOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
