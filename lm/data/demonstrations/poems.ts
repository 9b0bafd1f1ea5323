/** Classical poems that schoolchildren know: the next line, the author, the whole poem. Wordings are held out. */
import { Choice } from '../random.ts';
import { fill, type TaskContext, templateFor } from './collector.ts';

const NEXT = [
  '“{line}”的下一句是什么？',
  '{line}，下一句是什么？',
  '“{line}”下一句',
  '请接下一句：{line}',
  '背诗：“{line}”的后一句是什么？',
];
const AUTHOR = [
  '《{title}》的作者是谁？',
  '《{title}》是谁写的？',
  '谁写了《{title}》？',
  '诗歌《{title}》出自哪位诗人之手？',
];
const WHOLE = [
  '背诵《{title}》',
  '请背诵《{title}》。',
  '《{title}》全文是什么？',
  '给我背一首《{title}》',
  '《{title}》怎么背？',
  '请写出《{title}》这首诗。',
];

export function addPoems({ collect, knowledge: { poems }, scale }: TaskContext): void {
  const random = new Choice('poems');
  const titles = new Set<string>();
  const known = poems
    .filter(({ famous, title, author, lines }) => famous && author && title.length <= 8 && lines.join('').length <= 64)
    .filter(({ title }) => {
      const fresh = !titles.has(title);
      titles.add(title);
      return fresh;
    })
    // The short ones are those that everybody knows by heart.
    .sort((a, b) => a.lines.join('').length - b.lines.join('').length)
    .slice(0, 220);
  const common = { task: 'poems', source: 'classical-poetry', language: 'zh' as const };
  const rounds = Math.max(1, Math.round(scale));
  for (const { title, author, lines } of known) {
    const clauses = lines.join('').match(/[^，。！？；]+[，。！？；]/g) ?? [];
    for (const [i, clause] of clauses.entries()) {
      const next = clauses[i + 1];
      if (next === undefined) continue;
      const draft = { ...common, reply: next.replace(/[，；]$/, '。') };
      const line = clause.slice(0, -1);
      for (let round = 0; round < rounds; round++) {
        collect.add({
          ...draft,
          answers: [],
          split: 'train',
          question: fill(templateFor(random, NEXT, 'train'), { line }),
        });
      }
      if (random.next() < 0.08) {
        collect.add({
          ...draft,
          answers: [],
          split: 'validation',
          question: fill(templateFor(random, NEXT, 'validation'), { line }),
        });
      }
    }
    for (let round = 0; round < 2 * rounds; round++) {
      const reply = `《${title}》的作者是${author}。`;
      collect.add({
        ...common,
        split: 'train',
        question: fill(templateFor(random, AUTHOR, 'train'), { title }),
        reply,
        answers: [author],
      });
      const whole = `《${title}》 ${author}\n${lines.join('\n')}`;
      collect.add({
        ...common,
        split: 'train',
        question: fill(templateFor(random, WHOLE, 'train'), { title }),
        reply: whole,
      });
    }
    if (random.next() < 0.25) {
      collect.add({
        ...common,
        split: 'validation',
        question: fill(templateFor(random, AUTHOR, 'validation'), { title }),
        reply: `《${title}》的作者是${author}。`,
        answers: [author],
      });
    }
  }
}
