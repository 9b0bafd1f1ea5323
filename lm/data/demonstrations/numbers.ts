/** Skills with computed answers: arithmetic, comparison, counting on, parity, sorting, the calendar. Operands are held out. */
import { Choice } from '../random.ts';
import { type Draft, fill, itemSplit, type TaskContext } from './collector.ts';

type Item = Omit<Draft, 'source' | 'split' | 'task'> & { key: string; answers: string[] };

export function addNumbers({ collect, scale }: TaskContext): void {
  const skills: [string, number, (random: Choice) => Item][] = [
    ['arithmetic', 4500, arithmetic],
    ['comparison', 900, comparison],
    ['counting', 700, counting],
    ['sorting', 500, sorting],
    ['calendar', 700, calendar],
  ];
  for (const [task, count, make] of skills) {
    const random = new Choice(task);
    const limit = { train: Math.round(count * scale), validation: 120 };
    const have = { train: 0, validation: 0 };
    // Small families run dry; the collector drops what was asked before, so the tries are bounded.
    for (let tries = 0; have.train < limit.train && tries < 3 * limit.train; tries++) {
      const { key, ...draft } = make(random);
      const split = itemSplit(`${task} ${key}`);
      if (have[split] >= limit[split]) continue;
      have[split]++;
      collect.add({ ...draft, task, source: 'computed', split });
    }
  }
}

const SUMS = {
  '+': {
    en: [
      '{a} + {b} = ?',
      'What is {a} + {b}?',
      'What is {a} plus {b}?',
      '{a}+{b}',
      'Add {a} and {b}.',
      'How much is {a} plus {b}?',
      'Calculate {a} + {b}.',
    ],
    zh: [
      '{a}+{b}=?',
      '{a}加{b}等于多少？',
      '{a} + {b} 等于几？',
      '计算 {a} + {b}。',
      '{a}加{b}是多少？',
      '{a}+{b}等于多少？',
    ],
  },
  '-': {
    en: [
      '{a} - {b} = ?',
      'What is {a} - {b}?',
      'What is {a} minus {b}?',
      '{a}-{b}',
      'Subtract {b} from {a}.',
      'How much is {a} minus {b}?',
      'Calculate {a} - {b}.',
    ],
    zh: [
      '{a}-{b}=?',
      '{a}减{b}等于多少？',
      '{a} - {b} 等于几？',
      '计算 {a} - {b}。',
      '{a}减去{b}是多少？',
      '{a}-{b}等于多少？',
    ],
  },
  '×': {
    en: [
      '{a} × {b} = ?',
      'What is {a} times {b}?',
      'What is {a} * {b}?',
      '{a}*{b}',
      'Multiply {a} by {b}.',
      'How much is {a} times {b}?',
      'What is {a} x {b}?',
    ],
    zh: ['{a}×{b}=?', '{a}乘以{b}等于多少？', '{a}乘{b}是多少？', '计算 {a} × {b}。', '{a}*{b}等于多少？'],
  },
  '÷': {
    en: [
      '{a} ÷ {b} = ?',
      'What is {a} divided by {b}?',
      'What is {a} / {b}?',
      '{a}/{b}',
      'Divide {a} by {b}.',
      'How much is {a} divided by {b}?',
    ],
    zh: ['{a}÷{b}=?', '{a}除以{b}等于多少？', '{a}除以{b}是多少？', '计算 {a} ÷ {b}。', '{a}/{b}等于多少？'],
  },
};

function arithmetic(random: Choice): Item {
  const operator = random.of(['+', '+', '+', '-', '-', '×', '×', '÷'] as const);
  const language = random.of(['en', 'zh'] as const);
  // Half of the sums stay below twenty, where people start.
  const top = random.next() < 0.5 ? 20 : 99;
  let a = random.integer(0, top);
  let b = random.integer(0, top);
  let result = a + b;
  if (operator === '-') {
    if (a < b) [a, b] = [b, a];
    result = a - b;
  } else if (operator === '×' || operator === '÷') {
    a = random.integer(1, 12);
    b = random.integer(1, 12);
    result = a * b;
    if (operator === '÷') [a, result] = [result, a];
  }
  return {
    key: `${a} ${operator} ${b}`,
    language,
    question: fill(random.of(SUMS[operator][language]), { a, b }),
    reply: `${a} ${operator} ${b} = ${result}`,
    answers: [String(result)],
  };
}

function comparison(random: Choice): Item {
  const language = random.of(['en', 'zh'] as const);
  const top = random.of([20, 100, 1000]);
  const a = random.integer(0, top);
  const b = a === (a + 1) % (top + 1) ? 0 : (a + random.integer(1, top)) % (top + 1);
  const larger = random.next() < 0.5;
  const answer = larger ? Math.max(a, b) : Math.min(a, b);
  const templates = {
    en: larger
      ? [
          'Which is larger, {a} or {b}?',
          'Which number is bigger: {a} or {b}?',
          'Which is greater, {a} or {b}?',
          'What is the larger number, {a} or {b}?',
        ]
      : [
          'Which is smaller, {a} or {b}?',
          'Which number is smaller: {a} or {b}?',
          'Which is less, {a} or {b}?',
          'What is the smaller number, {a} or {b}?',
        ],
    zh: larger
      ? ['{a}和{b}哪个大？', '{a}和{b}哪个更大？', '哪个数大，{a}还是{b}？', '比较{a}和{b}，哪个大？']
      : ['{a}和{b}哪个小？', '{a}和{b}哪个更小？', '哪个数小，{a}还是{b}？', '比较{a}和{b}，哪个小？'],
  }[language];
  const reply =
    language === 'en' ? `${answer} is ${larger ? 'larger' : 'smaller'}.` : `${answer}更${larger ? '大' : '小'}。`;
  return {
    key: `${a} ${b}`,
    language,
    question: fill(random.of(templates), { a, b }),
    reply,
    answers: [String(answer)],
  };
}

function counting(random: Choice): Item {
  const language = random.of(['en', 'zh'] as const);
  const n = random.integer(1, 99);
  const kind = random.of(['after', 'before', 'parity', 'step'] as const);
  if (kind === 'parity') {
    const even = n % 2 === 0;
    const question = random.of(
      language === 'en'
        ? ['Is {n} even or odd?', 'Is the number {n} odd or even?']
        : ['{n}是奇数还是偶数？', '{n}是单数还是双数？'],
    );
    const answer =
      language === 'en'
        ? even
          ? 'even'
          : 'odd'
        : question.includes('单数')
          ? even
            ? '双数'
            : '单数'
          : even
            ? '偶数'
            : '奇数';
    return {
      key: `parity ${n}`,
      language,
      question: fill(question, { n }),
      reply: language === 'en' ? `${n} is ${answer}.` : `${n}是${answer}。`,
      answers: [answer],
    };
  }
  if (kind === 'step') {
    const step = random.of([1, 2, 3, 5, 10]);
    const list = [0, 1, 2, 3].map((i) => n + i * step);
    const question = random.of(
      language === 'en'
        ? ['What comes next: {list}, ?', 'Continue the sequence: {list}', 'What is the next number in {list}?']
        : ['{list}，下一个数是什么？', '找规律：{list}，?', '请继续这个数列：{list}'],
    );
    const answer = String(n + 4 * step);
    return {
      key: `step ${n} ${step}`,
      language,
      question: fill(question, { list: list.join(language === 'en' ? ', ' : '，') }),
      reply: answer,
      answers: [answer],
    };
  }
  const after = kind === 'after';
  const question =
    language === 'en'
      ? random.of(
          after
            ? ['What number comes after {n}?', 'Which number follows {n}?']
            : ['What number comes before {n}?', 'Which number is just before {n}?'],
        )
      : random.of(
          after ? ['{n}后面的数是几？', '{n}的后一个数是多少？'] : ['{n}前面的数是几？', '{n}的前一个数是多少？'],
        );
  const answer = String(after ? n + 1 : n - 1);
  return { key: `${kind} ${n}`, language, question: fill(question, { n }), reply: answer, answers: [answer] };
}

function sorting(random: Choice): Item {
  const language = random.of(['en', 'zh'] as const);
  const list = random.sample(
    Array.from({ length: 50 }, (_, i) => i),
    random.integer(3, 5),
  );
  const kind = random.of(['up', 'down', 'most'] as const);
  const separator = language === 'en' ? ', ' : '、';
  const shown = list.join(separator);
  if (kind === 'most') {
    const question = language === 'en' ? 'Which is the largest: {list}?' : '{list}中最大的是哪个？';
    const answer = String(Math.max(...list));
    return { key: shown, language, question: fill(question, { list: shown }), reply: answer, answers: [answer] };
  }
  const sorted = [...list].sort((x, y) => (kind === 'up' ? x - y : y - x)).join(separator);
  const question =
    language === 'en'
      ? random.of(
          kind === 'up'
            ? ['Sort these numbers: {list}', 'Put these numbers in order: {list}', 'Sort from small to large: {list}']
            : ['Sort from large to small: {list}', 'Sort these numbers in descending order: {list}'],
        )
      : random.of(
          kind === 'up' ? ['把这些数从小到大排列：{list}', '请给这些数排序：{list}'] : ['把这些数从大到小排列：{list}'],
        );
  return { key: shown, language, question: fill(question, { list: shown }), reply: sorted, answers: [sorted] };
}

const DAYS = {
  en: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
  zh: ['星期一', '星期二', '星期三', '星期四', '星期五', '星期六', '星期日'],
};
const MONTHS = {
  en: [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ],
  zh: ['一月', '二月', '三月', '四月', '五月', '六月', '七月', '八月', '九月', '十月', '十一月', '十二月'],
};
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function calendar(random: Choice): Item {
  const language = random.of(['en', 'zh'] as const);
  const kind = random.of(['day', 'day', 'month', 'length', 'later'] as const);
  const names = kind === 'month' || kind === 'length' ? MONTHS[language] : DAYS[language];
  const index = random.integer(0, names.length - 1);
  const name = names[index]!;
  if (kind === 'length') {
    const days = String(LENGTHS[index]);
    const question = random.of(
      language === 'en'
        ? ['How many days are in {name}?', 'How many days does {name} have?']
        : ['{name}有多少天？', '{name}有几天？'],
    );
    const note = index === 1 ? (language === 'en' ? ', or 29 in a leap year' : '，闰年有29天') : '';
    const reply = language === 'en' ? `${name} has ${days} days${note}.` : `${name}有${days}天${note}。`;
    return {
      key: `length ${index}${question.length}`,
      language,
      question: fill(question, { name }),
      reply,
      answers: [days],
    };
  }
  const shift = kind === 'later' ? random.integer(2, 6) : random.of([1, -1]);
  const answer = names[(index + shift + names.length) % names.length]!;
  const templates = {
    en:
      kind === 'later'
        ? [
            'If today is {name}, what day will it be in {shift} days?',
            'Today is {name}. What day is it {shift} days from now?',
          ]
        : shift === 1
          ? ['What comes after {name}?', `Which ${kind} follows {name}?`, `What ${kind} comes after {name}?`]
          : ['What comes before {name}?', `Which ${kind} is before {name}?`, `What ${kind} comes before {name}?`],
    zh:
      kind === 'later'
        ? ['今天是{name}，{shift}天后是星期几？', '如果今天是{name}，再过{shift}天是星期几？']
        : shift === 1
          ? ['{name}的后面是什么？', kind === 'day' ? '{name}的后一天是星期几？' : '{name}的下一个月是几月？']
          : ['{name}的前面是什么？', kind === 'day' ? '{name}的前一天是星期几？' : '{name}的上一个月是几月？'],
  }[language];
  return {
    key: `${kind} ${index} ${shift}`,
    language,
    question: fill(random.of(templates), { name, shift }),
    reply: language === 'en' ? `${answer}.` : `${answer}。`,
    answers: [answer],
  };
}
