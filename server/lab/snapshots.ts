/** What is in which snapshot, kept in the database so that a question about one line need not read them all. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LineageItem } from '@parley/contracts';
import { readSnapshot } from '@parley/lm/data';
import { z } from 'zod';
import type { Db } from '../db/database.ts';
import { storableText } from '../db/text.ts';
import type { LabFolders } from './folders.ts';
import type { SnapshotLineRow, SnapshotRow } from './tables.ts';

const preferencesFile = 'preferences.jsonl';
const demonstrationsFile = 'demonstrations.jsonl';
const excerptLength = 120;
const rowsAtOnce = 500;

const messagesSchema = z.array(z.looseObject({ content: z.string() }));
/** As much of a line as lineage tells of it; what its id was made for, contracts/preference.ts says. */
const lineSchema = z.looseObject({
  id: z.string().optional(),
  author: z.string().optional(),
  createdAt: z.int().optional(),
  prompt: z.union([z.string(), messagesSchema]).optional(),
  messages: messagesSchema.optional(),
});
type Line = z.infer<typeof lineSchema>;

/** Reads the snapshots that are new. One that was changed after it was taken is left out. */
export async function indexSnapshots(db: Db, folders: LabFolders): Promise<void> {
  const known = new Set((await db.selectFrom('snapshots').select('hash').execute()).map(({ hash }) => hash));
  for (const { name, hash } of folders.listSnapshots()) {
    if (!known.has(hash)) await indexSnapshot(db, folders.path('snapshot', name), name);
  }
}

async function indexSnapshot(db: Db, folder: string, name: string): Promise<void> {
  const { hash } = readSnapshot(folder);
  const lines = [...readLines(join(folder, preferencesFile)), ...readLines(join(folder, demonstrationsFile))];
  const row: SnapshotRow = {
    ...{ hash, name, lines: lines.length },
    preferences_hash: hashOf(join(folder, preferencesFile))!,
    demonstrations_hash: hashOf(join(folder, demonstrationsFile)),
    created_at: Math.round(statSync(join(folder, 'snapshot.json')).mtimeMs),
  };
  await db.transaction().execute(async (transaction) => {
    await transaction
      .insertInto('snapshots')
      .values(row)
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .execute();
    const rows = lines.flatMap((line) => toRow(hash, line) ?? []);
    for (let at = 0; at < rows.length; at += rowsAtOnce) {
      await transaction
        .insertInto('snapshot_lines')
        .values(rows.slice(at, at + rowsAtOnce))
        .onConflict((conflict) => conflict.columns(['snapshot_hash', 'item_id', 'kind']).doNothing())
        .execute();
    }
  });
}

/** Null for a line that says not which one it is: data from elsewhere. */
function toRow(snapshot_hash: string, line: Line): SnapshotLineRow | null {
  if (line.id === undefined) return null;
  return {
    ...{ snapshot_hash, item_id: line.id, kind: kindOf(line), author: line.author ?? null },
    excerpt: excerptOf(line),
    created_at: line.createdAt ?? null,
  };
}

/** What a line of a snapshot is. */
export function kindOf(line: object): LineageItem['kind'] {
  if ('thumb' in line) return 'thumb';
  if ('ranking' in line) return 'ranking';
  return 'chosen' in line ? 'pair' : 'demonstration';
}

/** The beginning of the question that it is about. */
export function excerptOf({ prompt, messages }: Pick<Line, 'prompt' | 'messages'>): string {
  const about = prompt ?? messages?.slice(0, 1) ?? '';
  const text = typeof about === 'string' ? about : (about.at(-1)?.content ?? '');
  return storableText(Array.from(text).slice(0, excerptLength).join(''));
}

function readLines(path: string): Line[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => lineSchema.parse(JSON.parse(line)));
}

function hashOf(path: string): string | null {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null;
}
