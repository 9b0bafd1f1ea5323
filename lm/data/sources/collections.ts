/** Collections of public repositories under `--local DIR`, each as one source; `LocalFolder` says where they come from. */
import type { DataSource } from '@parley/contracts';
import { type DialogueSource, dialogueFolder, readDialogues, splitOf } from './dialogues.ts';
import { LocalFolder } from './local-folder.ts';
import { detokenise, stripMarkdown, stripXhtml } from './markup.ts';
import { grouped, type RawDocument, type Source, type SourceContext } from './source.ts';

/** A source whose origin and licence are read from the folder's own SOURCE.txt. */
function collection(
  folderName: string,
  kind: DataSource['kind'],
  read: (folder: LocalFolder, context: SourceContext) => Iterable<RawDocument>,
  name = folderName.replaceAll('_', '-'),
): (local: string | undefined) => Source {
  return (local) => {
    const folder = new LocalFolder(local, folderName);
    return { name, kind, ...folder.provenance(), documents: (context) => read(folder, context) };
  };
}

export const collections = {
  books: collection('standardebooks', 'documents', function* (folder) {
    // The books' own front and back matter is boilerplate.
    for (const file of folder.files(/\.xhtml$/)) {
      if (/(colophon|uncopyright|imprint|titlepage|endnotes|dedication|toc|part-\d+)\.xhtml$/.test(file)) continue;
      yield { text: stripXhtml(folder.read(file)), language: 'en' };
    }
  }),
  picturebooks: collection('stories_pb', 'documents', readStories),
  africanStories: collection('stories_asp', 'documents', readStories),
  encyclopedia: collection('wikitext2_valid_test', 'documents', function* (folder) {
    for (const file of ['valid.txt', 'test.txt']) {
      for (const article of folder.read(file).split(/\n(?= = [^=]+ = \n)/)) {
        const text = detokenise(
          article
            .split('\n')
            .map((line) => line.trim().replace(/^(= )+(.*?)( =)+$/, '\n$2\n'))
            // Rare words are masked in this corpus: sentences with a hole teach holes.
            .map((line) =>
              line
                .split(/(?<= [.?!]) /)
                .filter((sentence) => !sentence.includes('<unk>'))
                .join(' '),
            )
            .join('\n'),
        );
        // A heading whose section lost every sentence.
        yield { text: text.replace(/^[^\n.]{1,60}\n\n(?=[^\n.]{1,60}\n\n|$)/gm, ''), language: 'en' };
      }
    }
  }),
  wikipedia: collection(
    'llamafactory',
    'documents',
    function* (folder) {
      for (const line of folder.read('wiki_demo.txt').split('\n')) yield { text: line, language: 'en' };
    },
    'wikipedia-articles',
  ),
  novels: collection('zh_classic_novels', 'documents', function* (folder) {
    for (const file of folder.files(/\.txt$/)) {
      if (file.endsWith('SOURCE.txt')) continue;
      const text = folder.read(file).replace(/^.*(www|http|\.com|\.net).*$/gim, '');
      for (const chapter of text.split(/\n(?=\s*第[一二三四五六七八九十百零〇\d]+[回章])/)) {
        yield { text: chapter.replace(/^[\s\u3000]+/gm, ''), language: 'zh' };
      }
    }
  }),
  modernRenderings: collection(
    'classical_modern_zh',
    'parallel',
    function* (folder) {
      for (const file of folder.files(/bitext\.txt$/)) {
        const modern = [...folder.read(file).matchAll(/^现代文：(.+)$/gm)].map((match) => closeUp(match[1]!));
        for (const text of grouped(modern, 900, '\n')) yield { text, language: 'zh' };
      }
    },
    'modern-chinese-renderings',
  ),
  classicalPairs: collection(
    'classical_modern_zh',
    'parallel',
    function* (folder) {
      for (const file of folder.files(/bitext\.txt$/)) {
        const pairs = folder
          .read(file)
          .split(/\n\s*\n/)
          .map(closeUp)
          .filter((_, i) => i % 8 === 0);
        for (const text of grouped(pairs, 600)) yield { text, language: 'zh' };
      }
    },
    'classical-chinese-pairs',
  ),
  sentencePairs: collection('tatoeba_en_zh', 'parallel', function* (folder, { knowledge }) {
    const pairs = readSentencePairs(folder, knowledge.simplify);
    for (const split of ['train', 'validation'] as const) {
      const side = pairs.filter((pair) => pair.split === split).map(({ english, chinese }) => `${english}\n${chinese}`);
      for (const text of grouped(side, 350)) yield { text, language: 'zh', split };
    }
  }),
  commandPages: collection('tldr', 'documents', function* (folder) {
    for (const file of folder.files(/^pages.*\.md$/)) {
      yield {
        text: folder
          .read(file)
          .replace(/^> (More information|更多信息).*$/gm, '')
          .replace(/[{}]{2}/g, ''),
      };
    }
  }),
  languageTours: collection('learnxinyminutes', 'code', function* (folder) {
    for (const file of folder.files(/\.md$/)) {
      const text = folder
        .read(file)
        .replace(/^---\n.*?\n---\n/s, '')
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
      yield { text, language: file.startsWith('zh-cn/') ? 'zh' : 'code' };
    }
  }),
  recipes: collection('recipes', 'documents', function* (folder) {
    for (const file of folder.files(/\.md$/)) {
      const source = folder.read(file);
      const title = /^title: *"?(.*?)"?$/m.exec(source)?.[1];
      if (title) yield { text: `${title}\n\n${stripMarkdown(source)}`, language: 'en' };
    }
  }),
  trivia: collection('opentriviaqa', 'documents', function* (folder) {
    const entries: string[] = [];
    for (const file of ['for-kids', 'animals', 'geography', 'science-technology', 'world', 'general']) {
      for (const match of folder.read(file).matchAll(/#Q ([^\n]+)\n\^ ([^\n]+)/g)) {
        const clean = `${match[1]}${match[2]}`;
        if (!/\ufffd|_{2}|which of (these|the following)/i.test(clean))
          entries.push(`Question: ${match[1]!.trim()}\nAnswer: ${match[2]!.trim()}`);
      }
    }
    for (const text of grouped(entries, 500)) yield { text, language: 'en' };
  }),
  wordProblems: collection('gsm8k', 'documents', function* (folder) {
    const problems = folder
      .read('train.jsonl')
      .trim()
      .split('\n')
      .map((line) => {
        const { question, answer } = JSON.parse(line) as { question: string; answer: string };
        return `Question: ${question}\nAnswer: ${answer.replace(/<<[^>]*>>/g, '').replace(/\n#### (.*)$/, '\nThe answer is $1.')}`;
      });
    for (const text of grouped(problems, 900)) yield { text, language: 'en' };
  }),
  riddles: collection('xiehouyu', 'documents', function* (folder) {
    const list = JSON.parse(folder.read('xiehouyu.json')) as { riddle: string; answer: string }[];
    for (const text of grouped(
      list.map(({ riddle, answer }) => `${riddle}——${answer}`),
      300,
      '\n',
    ))
      yield { text, language: 'zh' };
  }),
};

/** Dialogues as documents, speakers marked by a dash, as prose does. */
export function dialogueDocuments(source: DialogueSource): (local: string | undefined) => Source {
  return (local) => {
    const folder = new LocalFolder(local, dialogueFolder(source));
    return {
      name: source,
      kind: 'dialogue',
      ...folder.provenance(),
      *documents() {
        for (const { turns, language, split } of readDialogues(source, local)) {
          yield { text: turns.map((turn) => `- ${turn}`).join('\n'), language, split };
        }
      },
    };
  };
}

export interface SentencePair {
  english: string;
  chinese: string;
  split: 'train' | 'validation';
}

/** Tatoeba pairs in simplified script; the split goes by the English sentence, so its translations stay together. */
export function readSentencePairs(folder: LocalFolder, simplify: (text: string) => string): SentencePair[] {
  return folder
    .read('cmn.txt')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([english, chinese]) => english && chinese)
    .map(([english, chinese]) => ({ english: english!, chinese: simplify(chinese!), split: splitOf(english!) }));
}

/** Quotation marks were lost and left blanks behind: `说： 好！ 他走了` keeps none of them. */
function closeUp(text: string): string {
  return text.trim().replace(/(?<=[\p{Script=Han}，。！？：；、]) +/gu, '');
}

function* readStories(folder: LocalFolder): Generator<RawDocument> {
  for (const file of folder.files(/^(en|zh)\/.*\.md$/)) {
    const text = folder
      .read(file)
      .replace(/\n##\s*\n\* License:[\s\S]*$/, '')
      .replace(
        /^\* (License|Text|Illustration|Translation|Language|Adaptation|Photograph|Edit|Source|Designer?).*$/gim,
        '',
      )
      .replace(/^##\s*$/gm, '')
      .replace(/^# /, '');
    yield { text: stripMarkdown(text) };
  }
}
