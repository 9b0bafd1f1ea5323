/**
 * From sources to a data folder, in one pass:
 *
 *   read → normalise → reject what is not text → drop exact duplicates → cap each source → drop near duplicates
 *        → split by hash → write → card
 *
 * The cap comes before the near-duplicate pass, which is the slow one, and picks documents by hash, so a source is
 * sampled evenly. Near duplicates are dropped over the whole set before the split: no validation document
 * has a near copy in training. The same input gives the same files on every machine.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataCard, DataSource } from '@parley/contracts';
import { writeFolderAtomic } from '../checkpoint/atomic.ts';
import { cardMarkdown } from './card.ts';
import { detectLanguage, type Language, normaliseText, rejectReason } from './clean.ts';
import { buildDemonstrations, type Demonstrations } from './demonstrations/index.ts';
import { type DocumentRecord, LineWriter, type Split } from './documents.ts';
import { loadKnowledge } from './knowledge.ts';
import { NearDuplicateIndex } from './near-duplicates.ts';
import { PackageCache } from './packages.ts';
import { findPreset, type SourceShare } from './presets.ts';
import { HELD_OUT } from './sources/dialogues.ts';
import type { SourceContext } from './sources/source.ts';

export interface BuildOptions {
  /** Name of a data preset. */
  preset: string;
  /** PARLEY_HOME: its `packages` folder holds what `fetchPackages` brought. */
  home: string;
  /** Folder to write; replaced as a whole when everything is ready. */
  out: string;
  /** Folder of corpora from public repositories; presets that use one throw without it. */
  local?: string | undefined;
  onProgress?: (message: string) => void;
}

/** Share of documents that validate; dialogues and sentence pairs bring their own split. */
const VALIDATION_SHARE = 0.02;

interface Kept extends DocumentRecord {
  split: Split;
}

/**
 * Builds the data set of a preset into `out` and returns its card. Throws if a package is missing or damaged or a
 * local folder is absent; `out` stays as it was in that case.
 */
export async function buildData({ preset, home, out, local, onProgress = () => {} }: BuildOptions): Promise<DataCard> {
  const plan = findPreset(preset);
  const cache = new PackageCache(home);
  for (const wanted of plan.packages) await cache.verify(wanted);
  onProgress('reading dictionaries and tables');
  const knowledge = await loadKnowledge(cache);
  const context: SourceContext = { cache, knowledge, local };
  const { documents, sources } = await gatherDocuments(plan.sources(local), context, onProgress);
  onProgress('writing demonstrations');
  const demonstrations = buildDemonstrations(context, {
    scale: plan.demonstrationScale,
    local: plan.localDemonstrations ? local : undefined,
  });
  return writeDataFolder(out, plan.name, documents, sources, demonstrations);
}

/** Runs every source through cleaning and duplicate removal. Exported for its tests. */
export async function gatherDocuments(
  shares: SourceShare[],
  context: SourceContext,
  onProgress: (message: string) => void = () => {},
): Promise<{ documents: Kept[]; sources: DataSource[] }> {
  const exact = new Set<string>();
  const near = new NearDuplicateIndex();
  const documents: Kept[] = [];
  const sources: DataSource[] = [];
  for (const { source, megabytes } of shares) {
    const removed = { exactDuplicates: 0, nearDuplicates: 0, cleaned: 0 };
    const candidates: Kept[] = [];
    for await (const raw of source.documents(context)) {
      const text = normaliseText(raw.text);
      const language = raw.language ?? detectLanguage(text);
      if (rejectReason(text, language) !== null) {
        removed.cleaned++;
        continue;
      }
      const id = createHash('sha256').update(text).digest('hex').slice(0, 16);
      if (exact.has(id)) {
        removed.exactDuplicates++;
        continue;
      }
      exact.add(id);
      candidates.push({ id, source: source.name, language, text, split: raw.split ?? splitById(id) });
    }
    const kept = cap(candidates, megabytes * 1e6).filter(({ text }) => {
      const duplicate = near.seen(text);
      if (duplicate) removed.nearDuplicates++;
      return !duplicate;
    });
    documents.push(...kept);
    const bytes = kept.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    onProgress(`${source.name}: ${kept.length} documents, ${(bytes / 1e6).toFixed(2)} MB`);
    sources.push({
      name: source.name,
      origin: source.origin,
      licence: source.licence,
      kind: source.kind,
      languages: [...new Set(kept.map(({ language }) => language))].sort(),
      documents: kept.length,
      megabytes: Math.round(bytes / 1e4) / 100,
      removed,
    });
  }
  return { documents, sources };
}

// The last digits: `cap` chooses by the first ones, and the two choices must be independent.
function splitById(id: string): Split {
  return Number.parseInt(id.slice(8), 16) / 2 ** 32 < VALIDATION_SHARE ? 'validation' : 'train';
}

/** The documents whose ids come first, up to `bytes`, in their original order. */
function cap(documents: Kept[], bytes: number): Kept[] {
  const order = [...documents].sort((a, b) => (a.id < b.id ? -1 : 1));
  const chosen = new Set<string>();
  let size = 0;
  for (const { id, text } of order) {
    size += Buffer.byteLength(text);
    if (size > bytes) break;
    chosen.add(id);
  }
  return documents.filter(({ id }) => chosen.has(id));
}

function writeDataFolder(
  out: string,
  name: string,
  documents: Kept[],
  sources: DataSource[],
  demonstrations: Demonstrations,
): DataCard {
  const card = makeCard(name, documents, sources, demonstrations);
  writeFolderAtomic(out, (folder) => {
    for (const split of ['train', 'validation'] as const) {
      const texts = new LineWriter(join(folder, `documents.${split}.jsonl`));
      for (const { split: own, ...record } of documents) if (own === split) texts.write(record);
      texts.close();
      const conversations = new LineWriter(join(folder, `demonstrations.${split}.jsonl`));
      for (const demonstration of demonstrations[split]) conversations.write(demonstration);
      conversations.close();
    }
    writeFileSync(join(folder, 'card.json'), `${JSON.stringify(card, null, 2)}\n`);
    writeFileSync(join(folder, 'card.md'), cardMarkdown(card, { validation: VALIDATION_SHARE, heldOut: HELD_OUT }));
  });
  return card;
}

function makeCard(
  name: string,
  documents: Kept[],
  sources: DataSource[],
  { train, validation, sources: demonstrationSources }: Demonstrations,
): DataCard {
  const counts = { documents: { train: 0, validation: 0 }, bytes: { train: 0, validation: 0 } };
  const languageBytes: Record<Language, number> = { en: 0, zh: 0, code: 0 };
  for (const { split, language, text } of documents) {
    const bytes = Buffer.byteLength(text);
    counts.documents[split]++;
    counts.bytes[split] += bytes;
    languageBytes[language] += bytes;
  }
  const total = counts.bytes.train + counts.bytes.validation || 1;
  const tasks: Record<string, number> = {};
  for (const { task } of train) tasks[task] = (tasks[task] ?? 0) + 1;
  return {
    format: 'parley-data/1',
    name,
    hash: hashOf([...documents.map(({ id }) => id), ...[...train, ...validation].map((item) => JSON.stringify(item))]),
    sources: [...sources, ...demonstrationSources],
    languageShares: {
      en: languageBytes.en / total,
      zh: languageBytes.zh / total,
      code: languageBytes.code / total,
    },
    ...counts,
    demonstrations: { train: train.length, validation: validation.length, tasks },
  };
}

function hashOf(parts: string[]): string {
  const hash = createHash('sha256');
  for (const part of parts.sort()) hash.update(part).update('\n');
  return hash.digest('hex');
}
