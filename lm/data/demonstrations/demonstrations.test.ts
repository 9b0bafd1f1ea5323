import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { demonstrationSchema } from '@parley/contracts';
import { describe, expect, it } from 'vitest';
import { checkAnswer } from '../check-answer.ts';
import { type Knowledge, markTones } from '../knowledge.ts';
import { checkJavaScript, loadSnippets, readSnippets } from './code.ts';
import { readBlocks } from './everyday.ts';
import { buildDemonstrations } from './index.ts';

const country = (english: string, chinese: string, capital: string, capitalChinese: string) => ({
  english,
  chinese,
  capital,
  capitalChinese,
  currency: 'crown',
  region: 'Europe',
  subregion: 'Northern Europe',
  languages: ['English'],
  borders: [],
  area: 50_000,
  landlocked: false,
});
const word = (simplified: string, pinyin: string, gloss: string, idiom = false) => ({
  simplified,
  traditional: simplified,
  pinyin,
  glosses: [gloss],
  frequency: 100,
  idiom,
});
const sense = (name: string) => ({
  word: name,
  part: 'noun' as const,
  definition: `a kind of ${name}`,
  examples: [],
  synonyms: [],
  rank: 0,
  frequency: 50,
});

const knowledge: Knowledge = {
  chinese: [
    word('苹果', 'píng guǒ', 'apple'),
    word('猫', 'māo', 'cat'),
    word('一心一意', 'yī xīn yī yì', 'wholeheartedly', true),
  ],
  english: [sense('bottle'), sense('garden')],
  antonyms: [
    ['hot', 'cold'],
    ['cold', 'hot'],
  ],
  countries: [country('Norway', '挪威', 'Oslo', '奥斯陆'), country('Sweden', '瑞典', 'Stockholm', '斯德哥尔摩')],
  elements: [{ number: 2, symbol: 'He', english: 'helium', chinese: '氦' }],
  poems: [
    { title: '静夜思', author: '李白', lines: ['床前明月光，疑是地上霜。', '举头望明月，低头思故乡。'], famous: true },
  ],
  misspellings: [['recieve', 'receive']],
  englishFrequency: new Map([
    ['apple', 50],
    ['cat', 60],
    ['receive', 9],
    ['garden', 40],
  ]),
  simplify: (text) => text,
};

const build = () => buildDemonstrations({ knowledge }, { scale: 1, local: undefined });
const built = build();
const all = [...built.train, ...built.validation];

describe('buildDemonstrations', () => {
  it('makes conversations of the agreed shape that end with an answer, each with an id of its own', () => {
    for (const item of all) {
      expect(() => demonstrationSchema.parse(item)).not.toThrow();
      expect(item.messages.at(-1)!.role).toBe('assistant');
      expect(
        item.messages.every(({ content }) => content.trim() !== '' && !/\{\w+\}|undefined|NaN/.test(content)),
      ).toBe(true);
    }
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('is the same every time', () => {
    expect(build()).toEqual(built);
  });

  it('accepts its own replies', () => {
    for (const item of all)
      if (item.answers) expect(checkAnswer(item, item.messages.at(-1)!.content), item.id).toBe(true);
  });

  it('never trains on a conversation that it tests', () => {
    const trained = new Set(built.train.map(({ messages }) => messages.map(({ content }) => content).join('\n')));
    for (const { messages } of built.validation)
      expect(trained.has(messages.map(({ content }) => content).join('\n'))).toBe(false);
  });

  it('holds out the operands of sums, not their wordings', () => {
    const sums = (list: typeof all) =>
      list.filter(({ task }) => task === 'arithmetic').map(({ messages }) => messages[1]!.content);
    const trained = new Set(sums(built.train));
    expect(sums(built.validation).length).toBeGreaterThan(50);
    for (const sum of sums(built.validation)) expect(trained.has(sum), sum).toBe(false);
  });

  it('computes right sums', () => {
    for (const { task, messages } of all) {
      const parts = /^(\d+) ([-+×÷]) (\d+) = (\d+)$/.exec(messages[1]!.content);
      if (task !== 'arithmetic' || !parts) continue;
      const [a, b, result] = [Number(parts[1]), Number(parts[3]), Number(parts[4])];
      expect({ '+': a + b, '-': a - b, '×': a * b, '÷': a / b }[parts[2]!]).toBe(result);
    }
  });
});

describe('hand-written files', () => {
  it('have questions and answers in every block, and no question twice', () => {
    for (const language of ['en', 'zh']) {
      const name = `everyday.${language}.txt`;
      const blocks = readBlocks(readFileSync(new URL(name, import.meta.url), 'utf8'), name);
      for (const { questions, answers, task } of blocks) {
        expect(questions.length * answers.length, questions[0]).toBeGreaterThan(0);
        expect(task).not.toBe('');
      }
      const questions = blocks.flatMap((block) => block.questions);
      expect(questions.filter((question, i) => questions.indexOf(question) !== i)).toEqual([]);
    }
  });

  it('name the line that is out of form', () => {
    expect(() => readBlocks('[a]\n? q\n= r\nstray', 'file.txt')).toThrow(/file\.txt:4.*stray/);
  });
});

describe('snippets', () => {
  it('run in JavaScript', () => {
    for (const snippet of loadSnippets()) expect(() => checkJavaScript(snippet)).not.toThrow();
  });

  it('are refused when an example fails', () => {
    const [bad] = readSnippets('=== one | a | b\n--- js\nfunction one() { return 2; }\n--- py\nx\n> one() => 1\n');
    expect(() => checkJavaScript(bad!)).toThrow(/'one' gives one\(\) = 2/);
  });

  it.skipIf(spawnSync('python3', ['--version']).status !== 0)('run in Python', () => {
    const program = loadSnippets()
      .flatMap(({ python, examples }) => [
        python,
        ...examples.map(
          ({ call, result }) => `assert ${call} == json.loads(${JSON.stringify(result)}), ${JSON.stringify(call)}`,
        ),
      ])
      .join('\n');
    expect(() => execFileSync('python3', ['-c', `import json\n${program}`])).not.toThrow();
  });
});

it('marks tones where they belong', () => {
  expect(markTones('ping2 guo3')).toBe('píng guǒ');
  expect(markTones('liu4 gou3 xue2 nu:3 de5 Bei3 jing1')).toBe('liù gǒu xué nǚ de Běi jīng');
});
