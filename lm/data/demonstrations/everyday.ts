/** Hand-written everyday conversation: greetings, who Parley is, help, feelings, advice, stories, refusals. */
import { readFileSync } from 'node:fs';
import { Choice } from '../random.ts';
import type { TaskContext } from './collector.ts';

interface Block {
  task: string;
  questions: string[];
  answers: string[];
}

/** Reads the block format that `everyday.en.txt` describes at its top. Throws with file and line on a stray line. */
export function readBlocks(text: string, name: string): Block[] {
  const blocks: Block[] = [];
  let task = '';
  let open: Block | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) {
      open = null;
    } else if (/^\[\w+\]$/.test(line)) {
      task = line.slice(1, -1);
      open = null;
    } else if (line.startsWith('? ')) {
      if (open === null || open.answers.length > 0) {
        open = { task, questions: [], answers: [] };
        blocks.push(open);
      }
      open.questions.push(
        ...line
          .slice(2)
          .split(' | ')
          .map((question) => question.trim()),
      );
    } else if (line.startsWith('= ') && open !== null) {
      open.answers.push(line.slice(2).replaceAll('\\n', '\n'));
    } else {
      throw new Error(`${name}:${index + 1}: expected '? question', '= answer' or '[task]', found '${line}'`);
    }
  }
  return blocks;
}

/** Blocks of four questions or more hold their last one out: an unseen wording of a known matter. */
export function addEveryday({ collect, scale }: TaskContext): void {
  const random = new Choice('everyday');
  for (const language of ['en', 'zh'] as const) {
    const name = `everyday.${language}.txt`;
    const blocks = readBlocks(readFileSync(new URL(name, import.meta.url), 'utf8'), name);
    for (const { task, questions, answers } of blocks) {
      const common = { task, source: 'everyday', language, answers };
      const kept = questions.length >= 4 ? questions.slice(0, -1) : questions;
      if (kept.length < questions.length) {
        collect.add({ ...common, split: 'validation', question: questions.at(-1)!, reply: answers[0]! });
      }
      // The collector ignores repetitions, so this asks each question in each way of typing about once.
      const repetitions = Math.ceil(4 * scale ** 0.5);
      for (const question of kept) {
        for (let i = 0; i < Math.max(repetitions, answers.length); i++) {
          collect.add({ ...common, split: 'train', question, reply: random.of(answers) });
        }
      }
    }
  }
}
