/** Tasks of all kinds: waiting for somebody, done by several people, failed. */
import type { Content } from '@parley/contracts';
import type { HomeFiller } from './home-filler.ts';
import type { People } from './people.ts';
import { chineseAnswer, chineseQuestion, draftB, poem } from './texts.ts';

/** The id of a ranking that Ada has handed in. */
export async function addTasks(filler: HomeFiller, people: People, model: string, vote: string): Promise<string> {
  const bench = new Bench(filler, people, model);
  const haiku = await bench.task('rank', 'Write a haiku about the sea.', [
    poem,
    'The sea is blue.\n\n# Haiku\n\nIt has five, seven, five.',
    '',
    draftB,
  ]);
  await bench.handIn(haiku, people.grace, 65, ([best, ...others]) =>
    rank({ [best!]: 1, ...Object.fromEntries(others.map((id) => [id, 2])) }, 'Only one of them is a haiku.'),
  );
  await bench.handIn(haiku, people.ming, 80, (ids) => rank(Object.fromEntries(ids.map((id) => [id, 1])), ''));
  await bench.task('label', chineseQuestion, [chineseAnswer], { people: 3 });
  await bench.task('demonstrate', 'How do I greet somebody in Chinese?', []);
  await bench.task('rank', '讲个笑话', [], {
    failure: 'The model answered the same every time, so there is nothing to rank.',
  });
  const disliked = await bench.task('rank', chineseQuestion, [chineseAnswer, '长安，也就是今天的西安。'], { vote });
  await bench.handIn(disliked, people.grace, 40, ([first, second]) =>
    rank({ [first!]: 2, [second!]: 1 }, '城市说错了。'),
  );

  const ranked = await bench.task('rank', 'What is the capital of Japan?', [
    'Kyoto.',
    'Tokyo.',
    'Japan has no capital.',
  ]);
  const order =
    (...ranks: number[]) =>
    (ids: string[]) =>
      rank(Object.fromEntries(ids.map((id, index) => [id, ranks[index]!])), '');
  await bench.handIn(ranked, people.grace, 31, order(2, 1, 3));
  await bench.handIn(ranked, people.ming, 54, order(2, 1, 2));
  const own = await bench.handIn(ranked, people.ada, 22, order(2, 1, 3));
  const labelled = await bench.task('label', 'Who are you?', ['I am Parley, a small model.']);
  await bench.handIn(labelled, people.ada, 18, () => ({
    ...{ kind: 'label', questions: { answers: true, language: true }, flags: ['untrue'] },
    ...{ scales: { quality: 2, helpfulness: 3, style: 4 }, comment: '' },
  }));
  const written = await bench.task('demonstrate', null, []);
  const withdrawn = await bench.handIn(written, people.ada, 120, () => ({
    kind: 'demonstrate',
    messages: [
      { role: 'user', content: '周末去哪里散步好？' },
      { role: 'assistant', content: '天气好的话，去湖边走走吧。' },
    ],
  }));
  await filler.db.updateTable('contributions').set({ state: 'withdrawn' }).where('id', '=', withdrawn).execute();
  return own;
}

const rank = (ranks: Record<string, number>, comment: string): Content => ({
  ...{ kind: 'rank', ranks, noneGood: false, comment },
});

interface MadeTask {
  id: string;
  answers: string[];
}

class Bench {
  readonly #filler: HomeFiller;
  readonly #people: People;
  readonly #model: string;
  #age = 30;

  constructor(filler: HomeFiller, people: People, model: string) {
    this.#filler = filler;
    this.#people = people;
    this.#model = model;
  }

  /** @param question null: a conversation of one's own */
  async task(
    kind: Content['kind'],
    question: string | null,
    answers: string[],
    { people = 3, failure, vote }: { people?: number; failure?: string; vote?: string } = {},
  ): Promise<MadeTask> {
    const at = this.#filler.ago({ hours: this.#age-- });
    const id = this.#filler.id(at);
    await this.#filler.db
      .insertInto('tasks')
      .values({
        ...{ id, kind, state: failure === undefined ? 'open' : 'failed', failure: failure ?? null, created_at: at },
        ...{ prompt: JSON.stringify(question === null ? [] : [{ role: 'user', content: question }]) },
        ...{ answers_wanted: answers.length, people_wanted: people, feedback_id: vote ?? null },
        ...{ created_by: this.#people.ada, holder_id: null, held_until: null },
      })
      .execute();
    const ids: string[] = [];
    for (const [index, content] of answers.entries()) {
      const answer = this.#filler.id(at);
      ids.push(answer);
      await this.#filler.db
        .insertInto('task_answers')
        .values({
          ...{ id: answer, task_id: id, content, author_id: null, model_name: this.#model, weights_hash: null },
          ...{
            sampling: JSON.stringify({ seed: 17 + index }),
            prompt_tokens: null,
            answer_tokens: null,
            created_at: at,
          },
        })
        .execute();
    }
    return { id, answers: ids };
  }

  /** Gives the id of the contribution. */
  async handIn(
    task: MadeTask,
    user: string,
    seconds: number,
    content: (answers: string[]) => Content,
  ): Promise<string> {
    const at = this.#filler.ago({ hours: this.#age });
    const id = this.#filler.id(at);
    await this.#filler.db
      .insertInto('contributions')
      .values({
        ...{ id, task_id: task.id, user_id: user, state: 'submitted', content: JSON.stringify(content(task.answers)) },
        ...{
          shown_order: JSON.stringify(task.answers),
          milliseconds: seconds * 1000,
          created_at: at,
          submitted_at: at,
        },
      })
      .execute();
    return id;
  }
}
