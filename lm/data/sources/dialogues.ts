/**
 * Real conversations of two people (or a person and a desk), read once and used twice: as documents and as
 * demonstrations. Whether a conversation is held out is decided here by its key, so both sides agree.
 */

import type { Split } from '../documents.ts';
import { heldOut } from '../random.ts';
import { LocalFolder } from './local-folder.ts';
import { detokenise } from './markup.ts';
import { readZip } from './zip.ts';

export interface Dialogue {
  key: string;
  source: string;
  language: 'en' | 'zh';
  /** Alternating, the asking side first. */
  turns: string[];
  split: Split;
}

/** Of dialogues and sentence pairs, this share validates. */
export const HELD_OUT = 0.03;

export function splitOf(key: string): Split {
  return heldOut(key, HELD_OUT) ? 'validation' : 'train';
}

type Reader = (local: string | undefined) => Iterable<Omit<Dialogue, 'split' | 'source' | 'key'>>;

const readers = {
  'booking-en': function* (local) {
    const folder = new LocalFolder(local, 'multiwoz_crosswoz_bilingual');
    for (const archive of ['multiwoz/val.json.zip', 'multiwoz/test.json.zip']) {
      for (const { log } of Object.values(readJson<Record<string, MultiWoz>>(folder, archive))) {
        yield { language: 'en', turns: log.map(({ text }) => tidyEnglish(text)) };
      }
    }
  },
  'booking-zh': function* (local) {
    const folder = new LocalFolder(local, 'multiwoz_crosswoz_bilingual');
    for (const archive of ['multiwoz_zh/human_val.json.zip']) {
      for (const { log } of Object.values(readJson<Record<string, MultiWoz>>(folder, archive))) {
        yield { language: 'zh', turns: log.map(({ text }) => tidyChinese(text)) };
      }
    }
  },
  'travel-zh': function* (local) {
    const folder = new LocalFolder(local, 'crosswoz');
    for (const { messages } of Object.values(readJson<Record<string, CrossWoz>>(folder, 'val.json.zip'))) {
      yield { language: 'zh', turns: messages.map(({ content }) => tidyChinese(content)) };
    }
  },
  'travel-en': function* (local) {
    const folder = new LocalFolder(local, 'multiwoz_crosswoz_bilingual');
    for (const { messages } of Object.values(
      readJson<Record<string, CrossWoz>>(folder, 'crosswoz_en/human_val.json.zip'),
    )) {
      yield { language: 'en', turns: messages.map(({ content }) => tidyEnglish(content)) };
    }
  },
  'topics-zh': function* (local) {
    const folder = new LocalFolder(local, 'kdconv');
    for (const file of folder.files(/dev\.json$/)) {
      for (const { messages } of JSON.parse(folder.read(file)) as { messages: { message: string }[] }[]) {
        yield { language: 'zh', turns: messages.map(({ message }) => tidyChinese(message)) };
      }
    }
  },
  'counselling-zh': function* (local) {
    const folder = new LocalFolder(local, 'cpsycoun');
    for (const file of folder.files(/case_\d+\.txt$/)) {
      const turns = folder
        .read(file)
        .split(/\n+(?=(?:来访者|心理咨询师)：)/)
        .map((turn) => tidyChinese(turn.replace(/^(来访者|心理咨询师)：/, '')));
      yield { language: 'zh', turns };
    }
  },
  'chatter-zh': function* (local) {
    const folder = new LocalFolder(local, 'cdial_toy');
    for (const file of ['toy_train.txt', 'toy_valid.txt']) {
      for (const line of folder.read(file).split('\n')) {
        const turns = line.split('\t').map((turn) => tidyChinese(turn.replace(/(?<=\P{ASCII}) | (?=\P{ASCII})/gu, '')));
        if (
          turns.length >= 2 &&
          turns.every((turn) => turn.length >= 2 && turn.length <= 60) &&
          !RUDE.test(line.replaceAll(' ', ''))
        ) {
          yield { language: 'zh', turns };
        }
      }
    }
  },
} satisfies Record<string, Reader>;

const FOLDERS: Record<keyof typeof readers, string> = {
  'booking-en': 'multiwoz_crosswoz_bilingual',
  'booking-zh': 'multiwoz_crosswoz_bilingual',
  'travel-zh': 'crosswoz',
  'travel-en': 'multiwoz_crosswoz_bilingual',
  'topics-zh': 'kdconv',
  'counselling-zh': 'cpsycoun',
  'chatter-zh': 'cdial_toy',
};

export type DialogueSource = keyof typeof readers;

export function dialogueFolder(source: DialogueSource): string {
  return FOLDERS[source];
}

/** Dialogues with at least one question and one answer, empty turns cut off where they start. */
export function* readDialogues(source: DialogueSource, local: string | undefined): Generator<Dialogue> {
  let number = 0;
  for (const { language, turns } of readers[source](local)) {
    const empty = turns.indexOf('');
    const kept = empty === -1 ? turns : turns.slice(0, empty);
    const key = `${source}/${number++}`;
    if (kept.length >= 2) yield { key, source, language, turns: kept, split: splitOf(key) };
  }
}

interface MultiWoz {
  log: { text: string }[];
}
interface CrossWoz {
  messages: { content: string }[];
}

// Social-media lines with insults, sex, politics or commerce are not worth learning from.
const RUDE =
  /操|妈的|尼玛|傻逼|傻[bB]|卧槽|滚|贱|屎|尿|屁|逼|奶子|裸|性感|约炮|基友|骚|死[吧了去]|杀|自杀|毒|枪|微信|转发|抽奖|代购|加我|[Qq]{2}|政府|习近平|法轮|tm|TM|sb|SB|[&#@]|http/;

function readJson<T>(folder: LocalFolder, archive: string): T {
  return JSON.parse(readZip(`${folder.path}/${archive}`).find(({ name }) => name.endsWith('.json'))!.text) as T;
}

function tidyEnglish(text: string): string {
  return detokenise(text.replace(/\s+/g, ' '))
    .replace(/(\d) : (\d)/g, '$1:$2')
    .replace(/(^|[.?!] )([a-z])/g, (_, start: string, letter: string) => start + letter.toUpperCase())
    .replace(/\bi\b/g, 'I')
    .trim();
}

function tidyChinese(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/(?<=[\p{Script=Han}，。！？、：；]) | (?=[\p{Script=Han}，。！？、：；])/gu, '')
    .replace(/(?<=\p{Script=Han}),/gu, '，')
    .replace(/(?<=\p{Script=Han})\?/gu, '？')
    .replace(/(?<=\p{Script=Han})!/gu, '！')
    .replace(/(?<=\p{Script=Han})\.$/gu, '。')
    .trim();
}
