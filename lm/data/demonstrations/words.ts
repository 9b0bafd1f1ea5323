/** Words: translation both ways, pinyin, idioms, definitions, opposites, spelling, letters and English inflection. */
import type { ChineseWord } from '../knowledge.ts';
import { Choice } from '../random.ts';
import { fill, itemSplit, type TaskContext, templateFor } from './collector.ts';

export function addWords(context: TaskContext): void {
  addTranslations(context);
  addPinyin(context);
  addIdioms(context);
  addDefinitions(context);
  addOpposites(context);
  addSpelling(context);
  addLetters(context);
  addInflections(context);
}

const TO_ENGLISH = [
  '“{word}”用英语怎么说？',
  '“{word}”的英文是什么？',
  '{word}用英文怎么说？',
  '把“{word}”翻译成英文。',
  '翻译成英文：{word}',
  'Translate into English: {word}',
  'What does {word} mean?',
  'What does {word} mean in English?',
  '{word}的英语是什么？',
];
const TO_CHINESE = [
  'How do you say "{word}" in Chinese?',
  'How do I say {word} in Chinese?',
  'What is the Chinese word for {word}?',
  'Translate into Chinese: {word}',
  'Translate "{word}" into Chinese.',
  '“{word}”用中文怎么说？',
  '翻译成中文：{word}',
  '{word} 的中文是什么？',
  'What is "{word}" in Chinese?',
];

/** Words that a learner meets first, by their frequency, with a gloss of at most three words. */
function commonWords(chinese: ChineseWord[], count: number): ChineseWord[] {
  const seen = new Set<string>();
  // A character with several readings has several meanings; words of two characters and more seldom do.
  const readings = new Map<string, number>();
  for (const { simplified } of chinese) readings.set(simplified, (readings.get(simplified) ?? 0) + 1);
  return chinese
    .filter(({ simplified }) => simplified.length > 1 || readings.get(simplified) === 1)
    .filter(
      ({ simplified, glosses, pinyin }) =>
        /^\p{Script=Han}{1,4}$/u.test(simplified) &&
        /^[a-z' ]{2,24}$/.test(glosses[0]!) &&
        glosses[0]!.split(' ').length <= 3 &&
        !/^[A-Z]/.test(pinyin),
    )
    .sort((a, b) => b.frequency - a.frequency || (a.simplified < b.simplified ? -1 : 1))
    .filter(({ simplified }) => {
      const fresh = !seen.has(simplified);
      seen.add(simplified);
      return fresh;
    })
    .slice(0, count);
}

function addTranslations({ collect, knowledge: { chinese, englishFrequency }, scale }: TaskContext): void {
  const random = new Choice('translation');
  const words = commonWords(chinese, 1500);
  const allGlosses = new Map<string, string[]>();
  for (const { simplified, glosses } of chinese)
    allGlosses.set(simplified, [...(allGlosses.get(simplified) ?? []), ...glosses]);
  const bare = (gloss: string) => gloss.replace(/^(to|a|an|the) /, '');
  const byEnglish = new Map<string, string[]>();
  for (const { simplified, glosses } of words) {
    const key = bare(glosses[0]!);
    byEnglish.set(key, [...(byEnglish.get(key) ?? []), simplified]);
  }
  const common = { task: 'translation', source: 'chinese-english-dictionary' };
  const rounds = Math.max(1, Math.round(1.5 * scale));
  for (const { simplified, glosses } of words) {
    const answers = allGlosses.get(simplified)!.flatMap((gloss) => [gloss, bare(gloss)]);
    const draft = { ...common, language: 'mixed' as const, reply: glosses[0]!, answers };
    for (let i = 0; i < rounds; i++) {
      collect.add({
        ...draft,
        split: 'train',
        question: fill(templateFor(random, TO_ENGLISH, 'train'), { word: simplified }),
      });
    }
  }
  const english = [...byEnglish].filter(([word]) => (englishFrequency.get(word) ?? 0) >= 3 || word.includes(' '));
  for (const [word, translations] of english) {
    const draft = { ...common, language: 'mixed' as const, reply: translations[0]!, answers: translations };
    for (let i = 0; i < rounds; i++) {
      collect.add({ ...draft, split: 'train', question: fill(templateFor(random, TO_CHINESE, 'train'), { word }) });
    }
  }
  for (const { simplified, glosses } of random.sample(words.slice(0, 600), 60)) {
    const question = fill(templateFor(random, TO_ENGLISH, 'validation'), { word: simplified });
    const answers = allGlosses.get(simplified)!.flatMap((gloss) => [gloss, bare(gloss)]);
    collect.add({ ...common, language: 'mixed', split: 'validation', question, reply: glosses[0]!, answers });
  }
  for (const [word, translations] of random.sample(english.slice(0, 600), 60)) {
    const question = fill(templateFor(random, TO_CHINESE, 'validation'), { word });
    collect.add({
      ...common,
      language: 'mixed',
      split: 'validation',
      question,
      reply: translations[0]!,
      answers: translations,
    });
  }
}

function addPinyin({ collect, knowledge: { chinese }, scale }: TaskContext): void {
  const random = new Choice('pinyin');
  const templates = [
    '“{word}”的拼音是什么？',
    '“{word}”怎么读？',
    '请写出“{word}”的拼音。',
    '{word}的拼音',
    'What is the pinyin of {word}?',
  ];
  for (const { simplified, pinyin } of commonWords(chinese, Math.round(900 * Math.sqrt(scale)))) {
    const split = itemSplit(`pinyin ${simplified}`);
    collect.add({
      task: 'pinyin',
      source: 'chinese-english-dictionary',
      language: 'zh',
      split,
      question: fill(random.of(templates), { word: simplified }),
      reply: pinyin,
      answers: [pinyin, pinyin.replaceAll(' ', '')],
    });
  }
}

function addIdioms({ collect, knowledge: { chinese }, scale }: TaskContext): void {
  const random = new Choice('idioms');
  const idioms = chinese
    .filter(({ idiom, glosses }) => idiom && glosses[0]!.length <= 60)
    .sort((a, b) => b.frequency - a.frequency || (a.simplified < b.simplified ? -1 : 1))
    .slice(0, Math.round(500 * Math.sqrt(scale)));
  const meaning = [
    'What does the idiom {idiom} mean?',
    '成语“{idiom}”用英文怎么解释？',
    'Explain the Chinese idiom {idiom}.',
    '“{idiom}”这个成语的英文意思是什么？',
  ];
  const complete = [
    '补全成语：{start}＿',
    '请把成语补充完整：{start}（ ）',
    '成语“{start}…”的最后一个字是什么？请写出整个成语。',
    '“{start}”后面接哪个字是成语？',
  ];
  const source = 'chinese-english-dictionary';
  for (const { simplified, glosses } of idioms) {
    const gloss = glosses[0]!;
    for (let i = 0; i < Math.max(1, Math.round(scale / 2)); i++) {
      collect.add({
        task: 'idioms',
        source,
        language: 'mixed',
        split: 'train',
        question: fill(templateFor(random, meaning, 'train'), { idiom: simplified }),
        reply: gloss,
        answers: glosses,
      });
      collect.add({
        task: 'idioms',
        source,
        language: 'zh',
        split: 'train',
        question: fill(templateFor(random, complete, 'train'), { start: simplified.slice(0, 3) }),
        reply: simplified,
        answers: [simplified.slice(3)],
      });
    }
  }
  for (const { simplified } of random.sample(idioms, 60)) {
    collect.add({
      task: 'idioms',
      source,
      language: 'zh',
      split: 'validation',
      question: fill(templateFor(random, complete, 'validation'), { start: simplified.slice(0, 3) }),
      reply: simplified,
      answers: [simplified.slice(3)],
    });
  }
}

function addDefinitions({ collect, knowledge: { english }, scale }: TaskContext): void {
  const random = new Choice('definitions');
  const templates = [
    'What does "{word}" mean?',
    'What does the word {word} mean?',
    'Define {word}.',
    'What is the meaning of {word}?',
    'Explain the word "{word}".',
    'Give a definition of {word}.',
  ];
  const seen = new Set<string>();
  const senses = english
    .filter(
      ({ word, rank, definition, part }) =>
        rank === 0 &&
        part !== 'adverb' &&
        /^[a-z]{4,12}$/.test(word) &&
        definition.length <= 70 &&
        !/[()]/.test(definition),
    )
    // The sort is stable: of a word that is noun and verb, the noun stays in front.
    .sort((a, b) => b.frequency - a.frequency || (a.word === b.word ? 0 : a.word < b.word ? -1 : 1))
    .filter(({ word }) => {
      const fresh = !seen.has(word);
      seen.add(word);
      return fresh;
    })
    .slice(0, Math.round(700 * Math.sqrt(scale)));
  const add = (sense: (typeof senses)[number], split: 'train' | 'validation') => {
    const reply = `${sense.word} (${sense.part}): ${sense.definition}.`;
    collect.add({
      task: 'definitions',
      source: 'english-dictionary',
      language: 'en',
      split,
      question: fill(templateFor(random, templates, split), { word: sense.word }),
      reply,
      answers: [sense.definition],
    });
  };
  for (const sense of senses) for (let i = 0; i < Math.max(1, Math.round(scale)); i++) add(sense, 'train');
  for (const sense of random.sample(senses, 40)) add(sense, 'validation');
}

const OPPOSITES =
  '大小 多少 高低 长短 快慢 冷热 上下 左右 前后 里外 远近 新旧 好坏 真假 黑白 胖瘦 早晚 轻重 开关 来去 买卖 进出 生死 男女 老少 强弱 软硬 厚薄 粗细 深浅 宽窄 干湿 明暗 美丑 对错 甜苦 贫富 动静 胜败 得失 攻守 爱恨 笑哭 问答 借还 升降 增减 首尾 古今 善恶 公私 虚实 松紧 正反 横竖 阴阳 东西 南北 天地 昼夜 始终 加减 乘除'
    .split(' ')
    .map((pair) => [pair[0]!, pair[1]!] as const);
const LONGER_OPPOSITES =
  '高兴-难过 安静-吵闹 干净-肮脏 聪明-愚蠢 勇敢-胆小 容易-困难 简单-复杂 开始-结束 成功-失败 安全-危险 朋友-敌人 增加-减少 上升-下降 前进-后退 光明-黑暗 温暖-寒冷 美丽-丑陋 富有-贫穷 勤劳-懒惰 诚实-虚伪 谦虚-骄傲 节约-浪费 同意-反对 喜欢-讨厌 记住-忘记 出现-消失 相信-怀疑 快乐-悲伤 熟悉-陌生 热闹-冷清 先进-落后 整齐-杂乱 健康-生病 积极-消极 团结-分裂 表扬-批评 寂寞-热闹 古老-年轻 强大-弱小 清楚-模糊 粗心-细心 主动-被动 公开-秘密 永远-暂时 战争-和平 白天-黑夜 优点-缺点 买进-卖出 出发-到达 打开-关闭'
    .split(' ')
    .map((pair) => pair.split('-') as [string, string]);

function addOpposites({ collect, knowledge: { antonyms }, scale }: TaskContext): void {
  const random = new Choice('opposites');
  const en = [
    'What is the opposite of {word}?',
    "What's the opposite of {word}?",
    'Opposite of {word}?',
    'Give me the antonym of {word}.',
    'Which word means the opposite of "{word}"?',
  ];
  const zh = [
    '“{word}”的反义词是什么？',
    '{word}的反义词是什么？',
    '写出“{word}”的反义词。',
    '“{word}”的反义词',
    '和“{word}”意思相反的词是什么？',
  ];
  const accepted = new Map<string, string[]>();
  for (const [a, b] of antonyms) accepted.set(a, [...(accepted.get(a) ?? []), b]);
  const chinese = [...OPPOSITES, ...LONGER_OPPOSITES].flatMap(
    ([a, b]) =>
      [
        [a, b],
        [b, a],
      ] as [string, string][],
  );
  for (const [a, b] of chinese) accepted.set(a, [...(accepted.get(a) ?? []), b]);
  const rounds = Math.max(2, Math.round(2 * scale));
  for (const [language, templates, pairs] of [
    ['en', en, antonyms],
    ['zh', zh, chinese],
  ] as const) {
    const add = ([word, opposite]: readonly [string, string], split: 'train' | 'validation') =>
      collect.add({
        task: 'opposites',
        source: language === 'en' ? 'english-dictionary' : 'everyday',
        language,
        split,
        question: fill(templateFor(random, templates, split), { word }),
        reply: opposite,
        answers: accepted.get(word)!,
      });
    for (const pair of pairs) for (let i = 0; i < rounds; i++) add(pair, 'train');
    for (const pair of random.sample(pairs, 40)) add(pair, 'validation');
  }
}

function addSpelling({ collect, knowledge: { misspellings, englishFrequency }, scale }: TaskContext): void {
  const random = new Choice('spelling');
  const templates = [
    'Correct the spelling: {word}',
    'How do you spell {word} correctly?',
    'Fix the typo: {word}',
    'Fix the spelling of "{word}".',
    'What is the correct spelling of {word}?',
    '请改正拼写：{word}',
  ];
  for (const [wrong, right] of misspellings) {
    if ((englishFrequency.get(right) ?? 0) < 2) continue;
    const split = itemSplit(`spelling ${wrong}`);
    for (let i = 0; i < (split === 'train' ? Math.max(1, Math.round(scale / 2)) : 1); i++) {
      collect.add({
        task: 'spelling',
        source: 'misspellings',
        language: 'en',
        split,
        question: fill(random.of(templates), { word: wrong }),
        reply: right,
        answers: [right],
      });
    }
  }
}

function addLetters({ collect, knowledge: { englishFrequency }, scale }: TaskContext): void {
  const random = new Choice('letters');
  const words = [...englishFrequency]
    .filter(([word, count]) => count >= 40 && /^[a-z]{3,9}$/.test(word))
    .map(([word]) => word)
    .sort();
  const kinds = [
    {
      questions: [
        'How many letters are in the word {word}?',
        'How many letters does "{word}" have?',
        'Count the letters in {word}.',
        '单词 {word} 有几个字母？',
      ],
      answer: (word: string) => String(word.length),
    },
    {
      questions: ['Spell the word {word}.', 'How do you spell {word}?', 'Spell {word} letter by letter.'],
      answer: (word: string) => [...word].join('-').toUpperCase(),
    },
    {
      questions: ['What is the first letter of {word}?', 'Which letter does {word} start with?'],
      answer: (word: string) => word[0]!.toUpperCase(),
    },
    {
      questions: ['What is the last letter of {word}?', 'Which letter does {word} end with?'],
      answer: (word: string) => word.at(-1)!.toUpperCase(),
    },
    {
      questions: ['Write {word} in capital letters.', 'Make this uppercase: {word}'],
      answer: (word: string) => word.toUpperCase(),
    },
  ];
  for (const word of random.sample(words, Math.round(800 * Math.sqrt(scale)))) {
    const { questions, answer } = random.of(kinds);
    const split = itemSplit(`letters ${word}`);
    collect.add({
      task: 'letters',
      source: 'computed',
      language: 'en',
      split,
      question: fill(random.of(questions), { word }),
      reply: answer(word),
      answers: [answer(word)],
    });
  }
}

const PAST =
  'go went,come came,see saw,eat ate,drink drank,run ran,write wrote,read read,speak spoke,take took,give gave,make made,know knew,think thought,buy bought,bring brought,catch caught,teach taught,find found,get got,have had,be was,do did,say said,tell told,sing sang,swim swam,begin began,fly flew,grow grew,draw drew,drive drove,ride rode,rise rose,break broke,choose chose,forget forgot,sleep slept,keep kept,leave left,feel felt,meet met,send sent,spend spent,build built,lose lost,sit sat,stand stood,understand understood,win won,hear heard,hold held,pay paid,sell sold,wear wore,throw threw,cut cut,put put,hit hit,let let,play played,walk walked,talk talked,look looked,work worked,help helped,ask asked,open opened,close closed,live lived,love loved,like liked,study studied,carry carried,try tried,stop stopped,plan planned'
    .split(',')
    .map((pair) => pair.split(' ') as [string, string]);
const PLURAL =
  'child children,man men,woman women,foot feet,tooth teeth,mouse mice,person people,fish fish,sheep sheep,goose geese,knife knives,leaf leaves,life lives,wolf wolves,city cities,baby babies,story stories,box boxes,bus buses,dish dishes,watch watches,tomato tomatoes,potato potatoes,hero heroes,cat cats,dog dogs,book books,apple apples,house houses,tree trees,bird birds,car cars,flower flowers,boy boys,day days,key keys,table tables,friend friends,student students,country countries,family families,party parties,glass glasses,class classes,brush brushes,church churches'
    .split(',')
    .map((pair) => pair.split(' ') as [string, string]);

function addInflections({ collect, scale }: TaskContext): void {
  const random = new Choice('grammar');
  const past = [
    'What is the past tense of {word}?',
    'Past tense of {word}?',
    'Give me the past tense of "{word}".',
    '{word} 的过去式是什么？',
    'Put the verb {word} into the past tense.',
  ];
  const plural = [
    'What is the plural of {word}?',
    'Plural of {word}?',
    'Give me the plural of "{word}".',
    '{word} 的复数是什么？',
    'What is the plural form of {word}?',
  ];
  for (const [templates, pairs] of [
    [past, PAST],
    [plural, PLURAL],
  ] as const) {
    const add = ([word, form]: [string, string], split: 'train' | 'validation') =>
      collect.add({
        task: 'grammar',
        source: 'everyday',
        language: 'en',
        split,
        question: fill(templateFor(random, templates, split), { word }),
        reply: form,
        answers: [form],
      });
    for (const pair of pairs) for (let i = 0; i < Math.round(3 * scale); i++) add(pair, 'train');
    for (const pair of random.sample(pairs, 20)) add(pair, 'validation');
  }
}
