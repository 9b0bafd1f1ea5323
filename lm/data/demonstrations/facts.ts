/** Facts with one answer: countries and chemical elements. Facts are all learned; wordings are held out. */
import { Choice } from '../random.ts';
import { REGIONS } from '../sources/dictionaries.ts';
import { fill, type TaskContext, templateFor } from './collector.ts';

interface FactTask {
  task: string;
  source: string;
  language: 'en' | 'zh';
  /** The last one is held out. */
  questions: string[];
  reply: string;
  /** Values of the slots; `answer` alone is accepted too. */
  facts: Record<string, string | number>[];
  /** Training conversations per fact at scale 1. */
  repetitions: number;
}

export function addFacts(context: TaskContext): void {
  for (const task of [...countryTasks(context), ...elementTasks(context)]) addFactTask(context, task);
}

function addFactTask({ collect, scale }: TaskContext, plan: FactTask): void {
  const { task, source, language, questions, reply, facts, repetitions } = plan;
  const random = new Choice(`${task} ${language} ${reply}`);
  const add = (fact: FactTask['facts'][number], split: 'train' | 'validation') => {
    const question = fill(templateFor(random, questions, split), fact);
    collect.add({ task, source, language, split, question, reply: fill(reply, fact), answers: [String(fact.answer)] });
  };
  const rounds = Math.max(1, Math.round(repetitions * scale));
  for (const fact of facts) for (let i = 0; i < rounds; i++) add(fact, 'train');
  for (const fact of random.sample(facts, 30)) add(fact, 'validation');
}

function countryTasks({ knowledge: { countries } }: TaskContext): FactTask[] {
  const common = { task: 'geography', source: 'facts' };
  const chinese = countries.filter(({ capitalChinese }) => capitalChinese !== undefined);
  const large = countries.filter(({ area }) => area > 25_000);
  return [
    {
      ...common,
      language: 'en',
      questions: [
        'What is the capital of {country}?',
        "What's the capital of {country}?",
        'Capital of {country}?',
        'What is the capital city of {country}?',
        'Tell me the capital of {country}.',
        'Name the capital of {country}.',
        'Do you know the capital of {country}?',
        'Which city is the capital of {country}?',
      ],
      reply: 'The capital of {country} is {answer}.',
      facts: countries.map(({ english, capital }) => ({ country: english, answer: capital })),
      repetitions: 4,
    },
    {
      ...common,
      language: 'en',
      questions: [
        '{capital} is the capital of which country?',
        'Which country has the capital {capital}?',
        '{capital} is the capital of what country?',
        'Of which country is {capital} the capital?',
      ],
      reply: '{capital} is the capital of {answer}.',
      facts: large
        .filter(({ capital, english }) => capital !== english)
        .map(({ english, capital }) => ({ capital, answer: english })),
      repetitions: 1,
    },
    {
      ...common,
      language: 'en',
      questions: [
        'On which continent is {country}?',
        'Where is {country}?',
        'Which continent is {country} in?',
        'Where can I find {country} on the map?',
        'In which part of the world is {country}?',
      ],
      reply: '{country} is in {answer}.',
      facts: large.map(({ english, region, subregion }) => ({
        country: english,
        answer: region === 'Americas' ? subregion.replace(/^(Central|North) America$/, '$1 America') : region,
      })),
      repetitions: 1,
    },
    {
      ...common,
      language: 'en',
      questions: [
        'What is the currency of {country}?',
        'What money do people use in {country}?',
        'Which currency is used in {country}?',
        'What do people pay with in {country}?',
      ],
      reply: 'The currency of {country} is the {answer}.',
      facts: large
        .filter(({ currency }) => currency !== '')
        .map(({ english, currency }) => ({ country: english, answer: currency })),
      repetitions: 1,
    },
    {
      ...common,
      language: 'zh',
      questions: [
        '{country}的首都是哪里？',
        '{country}的首都是什么？',
        '{country}首都是哪里？',
        '{country}的首都在哪里？',
        '{country}的首都叫什么？',
        '你知道{country}的首都是哪里吗？',
        '告诉我{country}的首都。',
        '{country}的首都是哪座城市？',
      ],
      reply: '{country}的首都是{answer}。',
      facts: chinese.map(({ chinese: name, capitalChinese }) => ({ country: name, answer: capitalChinese! })),
      repetitions: 6,
    },
    {
      ...common,
      language: 'zh',
      questions: [
        '{capital}是哪个国家的首都？',
        '哪个国家的首都是{capital}？',
        '{capital}是哪国的首都？',
        '以{capital}为首都的国家是哪个？',
      ],
      reply: '{capital}是{answer}的首都。',
      facts: chinese.map(({ chinese: name, capitalChinese }) => ({ capital: capitalChinese!, answer: name })),
      repetitions: 1.5,
    },
    {
      ...common,
      language: 'zh',
      questions: ['{country}在哪个洲？', '{country}在哪里？', '{country}属于哪个大洲？', '{country}位于哪个洲？'],
      reply: '{country}在{answer}。',
      facts: large
        .filter(({ region }) => region in REGIONS)
        .map(({ chinese: name, region }) => ({ country: name, answer: REGIONS[region]! })),
      repetitions: 1.5,
    },
    {
      ...common,
      language: 'zh',
      questions: [
        '{country}用英文怎么说？',
        '{country}的英文是什么？',
        '{country}的英文名是什么？',
        '请把国名“{country}”翻译成英文。',
      ],
      reply: '{country}的英文是 {answer}。',
      facts: countries.map(({ chinese: name, english }) => ({ country: name, answer: english })),
      repetitions: 1,
    },
  ];
}

function elementTasks({ knowledge: { elements } }: TaskContext): FactTask[] {
  const common = { task: 'elements', source: 'facts' };
  const named = elements.filter(({ chinese }) => chinese !== undefined);
  return [
    {
      ...common,
      language: 'en',
      questions: [
        'What is the chemical symbol for {element}?',
        'What is the symbol of {element}?',
        'Which symbol does {element} have?',
        'Chemical symbol of {element}?',
        'How is {element} written in the periodic table?',
      ],
      reply: 'The chemical symbol for {element} is {answer}.',
      facts: elements.map(({ english, symbol }) => ({ element: english, answer: symbol })),
      repetitions: 2,
    },
    {
      ...common,
      language: 'en',
      questions: [
        'Which element has the symbol {symbol}?',
        'What element is {symbol}?',
        'Which chemical element is {symbol}?',
        'In chemistry, what does {symbol} stand for?',
      ],
      reply: '{symbol} is the symbol of {answer}.',
      facts: elements.map(({ english, symbol }) => ({ symbol, answer: english })),
      repetitions: 2,
    },
    {
      ...common,
      language: 'en',
      questions: [
        'What is the atomic number of {element}?',
        'Atomic number of {element}?',
        'Which atomic number does {element} have?',
        'Tell me the atomic number of {element}.',
      ],
      reply: 'The atomic number of {element} is {answer}.',
      facts: elements.map(({ english, number }) => ({ element: english, answer: number })),
      repetitions: 1,
    },
    {
      ...common,
      language: 'zh',
      questions: [
        '{element}的元素符号是什么？',
        '{element}的化学符号是什么？',
        '{element}元素的符号是什么？',
        '元素{element}用什么符号表示？',
      ],
      reply: '{element}的元素符号是 {answer}。',
      facts: named.map(({ chinese, symbol }) => ({ element: chinese!, answer: symbol })),
      repetitions: 2,
    },
    {
      ...common,
      language: 'zh',
      questions: [
        '{symbol}是什么元素？',
        '元素符号 {symbol} 代表什么元素？',
        '哪种元素的符号是 {symbol}？',
        '化学里 {symbol} 表示什么？',
      ],
      reply: '{symbol} 是{answer}的元素符号。',
      facts: named.map(({ chinese, symbol }) => ({ symbol, answer: chinese! })),
      repetitions: 2,
    },
    {
      ...common,
      language: 'zh',
      questions: [
        '{element}的原子序数是多少？',
        '{element}的原子序数是几？',
        '{element}是第几号元素？',
        '元素{element}的原子序数是？',
      ],
      reply: '{element}的原子序数是{answer}。',
      facts: named.map(({ chinese, number }) => ({ element: chinese!, answer: number })),
      repetitions: 1,
    },
  ];
}
