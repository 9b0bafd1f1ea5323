/** All demonstrations of a data set: tasks with known answers first, then real dialogue, then joined talks. */
import type { DataSource, Demonstration } from '@parley/contracts';
import { packagePins } from '../package-pins.ts';
import { packageOrigin, type SourceContext } from '../sources/source.ts';
import { addCode } from './code.ts';
import { Collector, type TaskContext } from './collector.ts';
import { addJoined } from './conversations.ts';
import { addEveryday } from './everyday.ts';
import { addFacts } from './facts.ts';
import { addNumbers } from './numbers.ts';
import { addPoems } from './poems.ts';
import { addRepositoryTasks } from './repository-tasks.ts';
import { addWords } from './words.ts';

export interface Demonstrations {
  train: Demonstration[];
  validation: Demonstration[];
  /** Sources that only demonstrations come from, for the data card. */
  sources: DataSource[];
}

/** Deterministic; `scale` multiplies the number of conversations per task, `local` adds those of repositories. */
export function buildDemonstrations(
  { knowledge }: Pick<SourceContext, 'knowledge'>,
  { scale, local }: { scale: number; local: string | undefined },
): Demonstrations {
  const collect = new Collector();
  const context: TaskContext = { knowledge, collect, scale };
  addEveryday(context);
  addFacts(context);
  addNumbers(context);
  addWords(context);
  addPoems(context);
  addCode(context);
  if (local !== undefined) addRepositoryTasks(context, local);
  addJoined(collect, 'train', Math.round(0.25 * collect.train.length));
  addJoined(collect, 'validation', 200);
  return { train: collect.train, validation: collect.validation, sources: describeSources(collect) };
}

const OWN: Record<string, Pick<DataSource, 'origin' | 'licence'>> = {
  everyday: { origin: 'hand-written in this repository', licence: 'Apache-2.0' },
  computed: { origin: 'computed', licence: 'Apache-2.0' },
  joined: { origin: 'joined from the conversations above', licence: 'as theirs' },
  snippets: { origin: 'hand-written in this repository, examples executed', licence: 'Apache-2.0' },
  facts: {
    origin: `${packageOrigin(packagePins.countries)}, ${packageOrigin(packagePins.elements)}`,
    licence: 'ODbL 1.0, MIT',
  },
  misspellings: { origin: packageOrigin(packagePins.misspellings), licence: 'GPL-3.0' },
};

function describeSources({ train, validation }: Collector): DataSource[] {
  const groups = new Map<string, { documents: number; bytes: number; languages: Set<'en' | 'zh' | 'code'> }>();
  for (const { source, messages, language } of [...train, ...validation]) {
    const group = groups.get(source) ?? { documents: 0, bytes: 0, languages: new Set() };
    groups.set(source, group);
    group.documents++;
    group.bytes += messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
    for (const each of language === 'mixed' ? (['en', 'zh'] as const) : [language]) group.languages.add(each);
  }
  return [...groups].map(([name, { documents, bytes, languages }]) => ({
    name: `${name} (demonstrations)`,
    origin: OWN[name]?.origin ?? `as the source '${name}'`,
    licence: OWN[name]?.licence ?? 'as the source',
    kind: 'demonstrations',
    languages: [...languages].sort(),
    documents,
    megabytes: Math.round(bytes / 1e4) / 100,
    removed: { exactDuplicates: 0, nearDuplicates: 0, cleaned: 0 },
  }));
}
