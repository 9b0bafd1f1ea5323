/** Demonstrations out of `--local DIR`: real dialogue, small talk, sentence pairs, instructions, stories, commands. */
import { readFileSync } from 'node:fs';
import type { ChatMessage } from '@parley/contracts';
import { normaliseText } from '../clean.ts';
import { Choice, heldOut } from '../random.ts';
import { readSentencePairs } from '../sources/collections.ts';
import { type DialogueSource, HELD_OUT, readDialogues, splitOf } from '../sources/dialogues.ts';
import { LocalFolder } from '../sources/local-folder.ts';
import { stripMarkdown } from '../sources/markup.ts';
import { fill, itemSplit, type TaskContext } from './collector.ts';

export function addRepositoryTasks(context: TaskContext, local: string): void {
  addDialogues(context, local);
  addSmallTalk(context, local);
  addSentences(context, local);
  addInstructions(context, local);
  addStories(context, local);
  addCommands(context, local);
  addRiddles(context, local);
}

const DESKS: DialogueSource[] = ['booking-en', 'booking-zh', 'travel-zh', 'travel-en', 'topics-zh', 'counselling-zh'];
/** Long talks are cut after this many turns: the answers further down lean on facts of a database. */
const TURNS = 8;
/** Talk of bookings is plentiful and of one kind. */
const PER_DESK = 500;

function addDialogues({ collect }: TaskContext, local: string): void {
  for (const source of DESKS) {
    let taken = 0;
    for (const { turns, language, split } of readDialogues(source, local)) {
      if (taken++ === PER_DESK) break;
      const kept = turns.slice(0, Math.min(TURNS, turns.length - (turns.length % 2)));
      if (kept.length < 2 || kept.some((turn) => turn.length > 400)) continue;
      const messages = kept.map((content, i): ChatMessage => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
      collect.addConversation({ task: 'dialogue', source, language, split }, messages);
    }
  }
}

/** Answers per wording family are many; this many wordings of each are enough to learn it. */
const WORDINGS = 45;

/** Parley's own words for answers of the collection; an empty one leaves the questions out. */
function ownAnswers(): [string, string][] {
  return readFileSync(new URL('smalltalk-answers.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line.includes(' =>') && !line.startsWith('#'))
    .map((line) => line.split(' =>').map((side) => side.trim()) as [string, string]);
}

function addSmallTalk({ collect }: TaskContext, local: string): void {
  const own = ownAnswers();
  const random = new Choice('small talk');
  const folder = new LocalFolder(local, 'ms_chitchat');
  for (const [language, file] of [
    ['en', 'en-us/Chitchat.qna'],
    ['zh', 'zh-cn/Chitchat.qna'],
  ] as const) {
    for (const block of folder
      .read(file)
      .split(/^## \? /m)
      .slice(1)) {
      const original = /```markdown\n([\s\S]*?)\n```/.exec(block)?.[1]?.trim();
      // The two answers to thoughts of suicide name a country's telephone number at their end.
      const rewritten = own.find(([start]) => original === start || (start.length > 18 && original?.startsWith(start)));
      const reply = rewritten ? rewritten[1] : original;
      if (!reply) continue;
      const questions = [block.split('\n')[0]!, ...[...block.matchAll(/^- (.+)$/gm)].map((match) => match[1]!)]
        .map((question) => question.trim())
        .filter((question) => !question.startsWith('editorial') && !CRUDE.test(question));
      for (const question of random.sample(questions, WORDINGS)) {
        const split = heldOut(`small talk ${question}`, HELD_OUT) ? 'validation' : 'train';
        collect.add({ task: 'smalltalk', source: 'ms-chitchat', language, split, question, reply });
      }
    }
  }
}

const CRUDE = /fart|poop|\bpee\b|vomit|bowel|zit|sex|fuck|shit|bitch|ass\b|屁|屎|尿|操|妈的|傻|贱|性|婊|滚|做爱|上床/i;

function addSentences({ collect, knowledge: { simplify } }: TaskContext, local: string): void {
  const random = new Choice('sentences');
  const pairs = readSentencePairs(new LocalFolder(local, 'tatoeba_en_zh'), simplify).filter(
    ({ english, chinese }) => english.length <= 60 && chinese.length <= 30,
  );
  const chineseOf = new Map<string, string[]>();
  const englishOf = new Map<string, string[]>();
  for (const { english, chinese } of pairs) {
    chineseOf.set(english, [...(chineseOf.get(english) ?? []), chinese]);
    englishOf.set(chinese, [...(englishOf.get(chinese) ?? []), english]);
  }
  const toChinese = [
    'Translate into Chinese: {text}',
    'Translate to Chinese: {text}',
    'How do you say "{text}" in Chinese?',
    '翻译成中文：{text}',
    '把这句话翻译成中文：{text}',
  ];
  const toEnglish = [
    '翻译成英文：{text}',
    '把这句话翻译成英文：{text}',
    '“{text}”用英语怎么说？',
    'Translate into English: {text}',
    'Translate to English: {text}',
  ];
  const limits = { train: 14_000, validation: 150 };
  const have = { train: 0, validation: 0 };
  for (const { english, chinese, split } of random.shuffle(pairs)) {
    if (have[split]++ >= limits[split]) continue;
    const forward = random.next() < 0.5;
    collect.add({
      task: 'sentences',
      source: 'tatoeba-en-zh',
      language: 'mixed',
      split,
      question: fill(random.of(forward ? toChinese : toEnglish), { text: forward ? english : chinese }),
      reply: forward ? chinese : english,
      answers: forward ? chineseOf.get(english)! : englishOf.get(chinese)!,
    });
  }
}

const LONGEST_ANSWER = { en: 500, zh: 220 };

function addInstructions({ collect }: TaskContext, local: string): void {
  const add = (source: string, question: string, answer: string) => {
    const [ask, reply] = [question, answer].map((text) => normaliseText(text.replace(/#+eos_token#+/g, ''))) as [
      string,
      string,
    ];
    const language = /\p{Script=Han}/u.test(reply) ? 'zh' : 'en';
    if (ask === '' || reply === '' || ask.length > 400 || reply.length > LONGEST_ANSWER[language]) return;
    if (
      /\[[A-Z][a-z]+( [A-Za-z]+)*\]|chatgpt|openai|open assistant|openassistant|laion|language model|语言模型|入党|党/i.test(
        ask + reply,
      )
    )
      return;
    collect.add({ task: 'instructions', source, language, split: splitOf(ask), question: ask, reply });
  };
  interface Seed {
    instruction: string;
    input?: string;
    output?: string;
    instances?: { input: string; output: string }[];
  }
  const addSeed = (source: string, seed: Seed) => {
    for (const { input, output } of seed.instances ?? [{ input: seed.input ?? '', output: seed.output ?? '' }]) {
      add(source, input ? `${seed.instruction}\n${input}` : seed.instruction, output);
    }
  };
  const lines = (name: string, file: string) =>
    new LocalFolder(local, name)
      .read(file)
      .split('\n')
      .filter((line) => line.trim() !== '');
  for (const line of lines('self_instruct', 'data/seed_tasks.jsonl')) addSeed('self-instruct', JSON.parse(line));
  for (const line of lines('belle', 'data/1.5M/zh_seed_tasks.json')) addSeed('belle', JSON.parse(line));
  const supplement = new LocalFolder(local, 'zh_supplement');
  for (const file of supplement.files(/\.json$/)) {
    if (/加减法|申请书|翻译/.test(file)) continue;
    for (const seed of JSON.parse(supplement.read(file)) as Seed[]) addSeed('zh-supplement', seed);
  }
  for (const line of lines('dolly_sample', 'dolly.jsonl')) {
    const { prompt, answer } = JSON.parse(line) as { prompt: string; answer: string };
    const question = /### Instruction:\n([\s\S]*?)\n\n### Response:/.exec(prompt)?.[1];
    if (question) add('dolly-sample', question.replace(/\n\n### Input:\n/, '\n'), answer);
  }
  interface TreeNode {
    text: string;
    rank?: number;
    replies: TreeNode[];
  }
  for (const line of lines('oasst_seed', 'model/model_eval/manual/data/en_100_tree.jsonl')) {
    const { prompt } = JSON.parse(line) as { prompt: TreeNode };
    for (const reply of prompt.replies.filter(({ rank }) => (rank ?? 0) <= 1))
      add('oasst-seed', prompt.text, reply.text);
  }
}

function addStories({ collect, scale }: TaskContext, local: string): void {
  const random = new Choice('stories');
  const templates = {
    en: [
      'Tell me the story "{title}".',
      'Tell me a story about {topic}.',
      'Write a short story called "{title}".',
      'Can you tell me a story about {topic}?',
    ],
    zh: ['讲一个《{title}》的故事。', '给我讲讲《{title}》。', '写一个叫《{title}》的小故事。'],
  };
  for (const name of ['stories_pb', 'stories_asp']) {
    const folder = new LocalFolder(local, name);
    for (const file of folder.files(/^(en|zh)\/.*\.md$/)) {
      const source = folder.read(file);
      const language = file.startsWith('zh') ? 'zh' : 'en';
      const title = /^# (.+)$/m.exec(source)?.[1]?.trim();
      const text = normaliseText(
        stripMarkdown(
          source
            .replace(/\n##\s*\n\* License:[\s\S]*$/, '')
            .replace(/^#.*$/gm, '')
            .replace(/^\* .*$/gm, ''),
        ),
      ).replace(/\n\n/g, '\n');
      if (!title || title.length > 50 || text.length > (language === 'zh' ? 300 : 800) || text.length < 80) continue;
      const split = splitOf(file);
      const topic = title.replace(/^(The|A|An) /, (word) => word.toLowerCase());
      for (let i = 0; i < Math.max(1, Math.round(scale / 1.5)); i++) {
        // "a story about The crow" reads well only where the title is a thing.
        const isThing = language === 'en' && topic !== title;
        const options =
          language === 'zh'
            ? templates.zh
            : templates.en.filter((template) => isThing || !template.includes('{topic}'));
        const question = fill(random.of(options), { title, topic });
        collect.add({ task: 'story', source: name.replace('_', '-'), language, split, question, reply: text });
      }
    }
  }
}

function addCommands({ collect }: TaskContext, local: string): void {
  const random = new Choice('commands');
  const folder = new LocalFolder(local, 'tldr');
  const templates = {
    en: ['What does the command {command} do?', 'What is the {command} command for?', 'What does `{command}` do?'],
    zh: ['命令 {command} 是做什么的？', '{command} 命令有什么用？', '`{command}` 是什么命令？'],
  };
  for (const file of folder.files(/^pages.*\/(common|linux)\/.*\.md$/)) {
    const language = file.startsWith('pages.zh') ? 'zh' : 'en';
    const page = folder.read(file);
    const command = /^# (.+)$/m.exec(page)?.[1]?.trim();
    const summary = /^> (.+)$/m.exec(page)?.[1]?.trim();
    if (!command || !summary || /alias|别名|More information|更多信息/.test(summary)) continue;
    collect.add({
      task: 'commands',
      source: 'tldr',
      language,
      split: splitOf(file),
      question: fill(random.of(templates[language]), { command }),
      reply: summary,
    });
  }
}

function addRiddles({ collect }: TaskContext, local: string): void {
  const random = new Choice('riddles');
  const templates = ['歇后语“{riddle}”的下一句是什么？', '{riddle}——（请接歇后语）', '“{riddle}”后半句是什么？'];
  const list = JSON.parse(new LocalFolder(local, 'xiehouyu').read('xiehouyu.json')) as {
    riddle: string;
    answer: string;
  }[];
  const clean = list.filter(
    ({ riddle, answer }) =>
      riddle.length <= 12 &&
      answer.length <= 14 &&
      !CRUDE.test(riddle + answer) &&
      !/[（(]|尸|死|姨太太|寡妇|妓|嫖|残|瞎|聋|哑/.test(riddle + answer),
  );
  for (const { riddle, answer } of random.sample(clean, 1800)) {
    collect.add({
      task: 'riddles',
      source: 'xiehouyu',
      language: 'zh',
      split: itemSplit(`riddle ${riddle}`),
      question: fill(random.of(templates), { riddle }),
      reply: answer,
      answers: answer.split('；'),
    });
  }
}
