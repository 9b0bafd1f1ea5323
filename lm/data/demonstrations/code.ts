/**
 * Small functions in JavaScript and Python. Each carries examples; a JavaScript function is run against them when the
 * data is built and left out with an error if one fails (`code.test.ts` runs the Python ones).
 */
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { Choice } from '../random.ts';
import { fill, type TaskContext, templateFor } from './collector.ts';

export interface Snippet {
  name: string;
  /** What it does, as the end of "Write a function that …". */
  english: string;
  /** The same as the end of "写一个函数，…". */
  chinese: string;
  javascript: string;
  python: string;
  /** Calls with the JSON of their results, valid in both languages. */
  examples: { call: string; result: string }[];
}

/**
 * Reads `snippets.txt`: blocks of `name | english | chinese`, `js` and `py` sections, and `> call => json` lines.
 * Throws on a block without code or examples.
 */
export function readSnippets(text: string): Snippet[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((block) => {
      const [heading, ...lines] = block.split('\n');
      const [name, english, chinese] = heading!.split(' | ').map((part) => part.trim());
      const section = (start: string) => {
        const from = lines.indexOf(`--- ${start}`);
        const until = lines.findIndex((line, i) => i > from && (line.startsWith('--- ') || line.startsWith('> ')));
        return lines
          .slice(from + 1, until === -1 ? undefined : until)
          .join('\n')
          .trim();
      };
      const examples = lines
        .filter((line) => line.startsWith('> '))
        .map((line) => line.slice(2).split(' => '))
        .map(([call, result]) => ({ call: call!, result: result! }));
      const snippet = {
        name: name!,
        english: english!,
        chinese: chinese!,
        javascript: section('js'),
        python: section('py'),
        examples,
      };
      if (!snippet.chinese || !snippet.javascript || !snippet.python || examples.length === 0) {
        throw new Error(`snippets.txt: '${name}' needs two descriptions, js, py and at least one example`);
      }
      return snippet;
    });
}

/** Throws if an example of the JavaScript version gives another result; each run has a second at most. */
export function checkJavaScript({ name, javascript, examples }: Snippet): void {
  for (const { call, result } of examples) {
    const got = runInNewContext(`${javascript}\nJSON.stringify(${call})`, {}, { timeout: 1000 }) as string;
    if (got !== JSON.stringify(JSON.parse(result))) {
      throw new Error(`the snippet '${name}' gives ${call} = ${got}, its example says ${result}`);
    }
  }
}

export function loadSnippets(): Snippet[] {
  return readSnippets(readFileSync(new URL('snippets.txt', import.meta.url), 'utf8'));
}

const ASK = {
  en: [
    'Write a {language} function that {does}.',
    'Write {language} code that {does}.',
    'In {language}, write a function that {does}.',
    'How do I write a {language} function that {does}?',
    'Give me a {language} function that {does}.',
  ],
  zh: [
    '用 {language} 写一个函数，{does}。',
    '写一个 {language} 函数，{does}。',
    '用 {language} 实现：{does}。',
    '怎么用 {language} {does}？',
    '请用 {language} 编写代码，{does}。',
  ],
};

/** Wordings are held out; every function is learned. */
export function addCode({ collect, scale }: TaskContext): void {
  const random = new Choice('code');
  for (const snippet of loadSnippets()) {
    checkJavaScript(snippet);
    for (const [language, fence, code] of [
      ['JavaScript', 'js', snippet.javascript],
      ['Python', 'python', snippet.python],
    ] as const) {
      for (const tongue of ['en', 'zh'] as const) {
        const does = tongue === 'en' ? snippet.english : snippet.chinese;
        const reply = `\`\`\`${fence}\n${code}\n\`\`\``;
        const common = { task: 'code', source: 'snippets', language: tongue, reply, answers: [code] };
        for (let i = 0; i < Math.round(4 * scale); i++) {
          collect.add({
            ...common,
            split: 'train',
            question: fill(templateFor(random, ASK[tongue], 'train'), { language, does }),
          });
        }
        if (random.next() < 0.3) {
          collect.add({
            ...common,
            split: 'validation',
            question: fill(templateFor(random, ASK[tongue], 'validation'), { language, does }),
          });
        }
      }
    }
  }
}
