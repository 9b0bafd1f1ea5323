/** What every source of text looks like to the builder. */
import type { DataSource } from '@parley/contracts';
import type { Language } from '../clean.ts';
import type { Split } from '../documents.ts';
import type { Knowledge } from '../knowledge.ts';
import type { PackagePin } from '../package-pins.ts';
import type { PackageCache } from '../packages.ts';

export interface RawDocument {
  text: string;
  /** Absent: found from the script of the text. */
  language?: Language;
  /** Absent: by hash. Set where the pretraining text holds an item that a demonstration tests. */
  split?: Split;
}

export interface SourceContext {
  cache: PackageCache;
  /** Words, facts and frequencies gathered once for all sources and tasks. */
  knowledge: Knowledge;
  /** Folder given by `--local`, laid out as one folder per repository; undefined without one. */
  local: string | undefined;
}

export interface Source extends Pick<DataSource, 'name' | 'origin' | 'licence' | 'kind'> {
  /** Yields documents in a fixed order, markup already stripped. */
  documents(context: SourceContext): AsyncIterable<RawDocument> | Iterable<RawDocument>;
}

/** As the data card shows it. */
export function packageOrigin({ name, version }: PackagePin): string {
  return `npm package ${name}@${version}`;
}

/** Joins short entries into documents of about `size` characters, so that dictionaries are not millions of crumbs. */
export function* grouped(entries: Iterable<string>, size: number, separator = '\n\n'): Generator<string> {
  let group: string[] = [];
  let length = 0;
  for (const entry of entries) {
    group.push(entry);
    length += entry.length;
    if (length >= size) {
      yield group.join(separator);
      group = [];
      length = 0;
    }
  }
  if (group.length > 0) yield group.join(separator);
}
