import type { Content, Task } from '@parley/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OpenDatabase } from '../db/database.ts';
import { uuidv7 } from '../db/uuid.ts';
import { linesIn } from '../feedback/collected.ts';
import { openTestDatabase, stored } from '../testing/test-database.ts';
import { newHome } from '../testing/test-server.ts';
import { newAnswer, tasksFromPrompts } from './make-tasks.ts';
import { leaseMilliseconds, TaskStore } from './tasks.ts';

let home: string;
let database: OpenDatabase;
let store: TaskStore;
let now: number;
const people = ['ann', 'bo', 'cy', 'dee'] as const;
let ids: Record<(typeof people)[number], string>;

beforeEach(async () => {
  home = newHome();
  database = await openTestDatabase(home);
  now = Date.now();
  store = new TaskStore(database.db, () => now);
  ids = { ann: uuidv7(), bo: uuidv7(), cy: uuidv7(), dee: uuidv7() };
  for (const name of people) {
    const email = `${name}@example.org`;
    await database.db.insertInto('users').values({ id: ids[name], name, email, created_at: now }).execute();
  }
});
afterEach(() => database.close());

/** Ranking tasks whose answers are there already. */
async function rankingTasks(count: number, author: string | null = null): Promise<void> {
  const { db } = database;
  const prompts = Array.from({ length: count }, (_, index) => `question ${index}`);
  await tasksFromPrompts(db, ids.dee, 'rank', prompts, 3);
  const tasks = await db.selectFrom('tasks').select('id').where('state', '=', 'preparing').execute();
  for (const { id } of tasks) {
    for (const text of ['x', 'y', 'z']) {
      const answer = { ...newAnswer(id, text), author_id: text === 'z' ? author : null };
      await db.insertInto('task_answers').values(answer).execute();
    }
  }
  await db.updateTable('tasks').set({ state: 'open' }).execute();
}

const lease = (name: (typeof people)[number]) => store.lease(ids[name], 'rank');
/** Ranks the answers by their texts. */
function ranked(task: Task, order: string, noneGood = false): { content: Content; milliseconds: number } {
  const entries = task.answers.map(({ id, content }) => [id, order.indexOf(content) + 1]);
  return { content: { kind: 'rank', ranks: Object.fromEntries(entries), noneGood, comment: '' }, milliseconds: 1234 };
}
const handIn = async (name: (typeof people)[number], order = 'xyz') => {
  const task = (await lease(name))!;
  return store.submit(ids[name], task.id, ranked(task, order));
};

describe('leases', () => {
  test('two people never hold one task, however many ask at once', async () => {
    await rankingTasks(3);
    const tasks = await Promise.all(people.map(lease));
    const held = tasks.flatMap((task) => task?.id ?? []);
    expect(held).toHaveLength(3);
    expect(new Set(held).size).toBe(3);
  });

  test('one is given the task that one holds until it is done with', async () => {
    await rankingTasks(2);
    const first = (await lease('ann'))!;
    expect((await lease('ann'))!.id).toBe(first.id);
    await store.release(ids.ann, first.id);
    expect((await lease('bo'))!.id).toBe(first.id);
  });

  test('a lease that runs out gives the task back, with the draft kept; working extends it', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    const draft = ranked(task, 'zyx');
    await store.saveDraft(ids.ann, task.id, draft);
    now += leaseMilliseconds - 1;
    await store.heartbeat(ids.ann, task.id);
    now += leaseMilliseconds - 1;
    expect(await lease('bo')).toBeNull();
    now += 1;
    expect((await lease('bo'))!.id).toBe(task.id);
    await expect(store.heartbeat(ids.ann, task.id)).rejects.toThrow(/Somebody else/);
    expect(await lease('ann')).toBeNull();

    await store.release(ids.bo, task.id);
    expect(await lease('ann')).toMatchObject({ id: task.id, draft: draft.content, milliseconds: 1234 });
  });

  test('work handed in after the lease ran out still counts', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    now += leaseMilliseconds;
    await lease('bo');
    await store.submit(ids.ann, task.id, ranked(task, 'xyz'));
    await expect(store.submit(ids.ann, task.id, ranked(task, 'xyz'))).rejects.toThrow(/handed in already/);
  });

  test('a draft that comes late neither changes what was handed in nor takes the task again', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    await store.submit(ids.ann, task.id, ranked(task, 'xyz'));
    await expect(store.saveDraft(ids.ann, task.id, ranked(task, 'zyx'))).rejects.toThrow(/already/);
    expect(await lease('bo')).not.toBeNull();
    const [line] = await stored(home, linesIn);
    expect(line).toMatchObject({ ranking: [1, 2, 3] });
  });

  test('what was not handed to somebody does not exist for them', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    const work = ranked(task, 'xyz');
    for (const attempt of [
      () => store.heartbeat(ids.bo, task.id),
      () => store.saveDraft(ids.bo, task.id, work),
      () => store.submit(ids.bo, task.id, work),
      () => store.skip(ids.bo, task.id),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ statusCode: 404 });
    }
  });
});

describe('who is asked', () => {
  test('three different people judge a task, begun ones first, and then it is done', async () => {
    await rankingTasks(2);
    const first = (await lease('ann'))!;
    await store.submit(ids.ann, first.id, ranked(first, 'xyz'));
    for (const name of ['bo', 'cy'] as const) {
      const task = (await lease(name))!;
      expect(task.id).toBe(first.id);
      await store.submit(ids[name], task.id, ranked(task, 'xyz'));
    }
    expect((await lease('dee'))!.id).not.toBe(first.id);
    expect(await store.openCounts(ids.ann)).toEqual({ rank: 0, demonstrate: 0, label: 0 });
  });

  test('nobody ranks an answer of their own', async () => {
    await rankingTasks(1, ids.ann);
    expect(await lease('ann')).toBeNull();
    expect(await lease('bo')).not.toBeNull();
  });

  test('what was skipped does not come back to the same person', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    await store.skip(ids.ann, task.id);
    expect(await lease('ann')).toBeNull();
    expect((await lease('bo'))!.id).toBe(task.id);
  });

  test('everybody sees the answers in an order of their own, always the same', async () => {
    await rankingTasks(12);
    const orders = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const task = (await lease('ann'))!;
      orders.add(task.answers.map(({ content }) => content).join(''));
      expect((await lease('ann'))!.answers).toEqual(task.answers);
      await store.skip(ids.ann, task.id);
    }
    expect(orders.size).toBeGreaterThan(1);
  });
});

describe('handing in', () => {
  test.each<[string, (task: Task) => Content, RegExp]>([
    [
      'a rank is missing',
      (task) => ({ kind: 'rank', ranks: { [task.answers[0]!.id]: 1 }, noneGood: false, comment: '' }),
      /2 of 3 answers have no rank/,
    ],
    [
      'a rank of something else',
      () => ({ kind: 'rank', ranks: { other: 1 }, noneGood: true, comment: '' }),
      /other is not/,
    ],
    ['another kind of work', () => ({ kind: 'demonstrate', messages: [] }), /is 'demonstrate'; this task is to rank/],
  ])('%s', async (_name, contentFor, message) => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    await expect(store.submit(ids.ann, task.id, { content: contentFor(task), milliseconds: 1 })).rejects.toThrow(
      message,
    );
  });

  test('a conversation keeps its beginning, takes turns and ends with an answer', async () => {
    const { db } = database;
    await tasksFromPrompts(db, ids.dee, 'demonstrate', ['How?'], 4);
    const task = (await store.lease(ids.ann, 'demonstrate'))!;
    const turn = (role: 'user' | 'assistant', content: string) => ({ role, content });
    const attempt = (...messages: ReturnType<typeof turn>[]) =>
      store.submit(ids.ann, task.id, { content: { kind: 'demonstrate', messages }, milliseconds: 1 });
    await expect(attempt(turn('user', 'Why?'), turn('assistant', 'So.'))).rejects.toThrow(
      /must begin as the task does/,
    );
    await expect(attempt(turn('user', 'How?'))).rejects.toThrow(/a question and an answer/);
    await expect(attempt(turn('user', 'How?'), turn('user', 'So?'))).rejects.toThrow(/take turns/);
    await expect(attempt(turn('user', 'How?'), turn('assistant', ' '))).rejects.toThrow(/messages\[1\]: this turn/);
    await attempt(turn('user', 'How?'), turn('assistant', '这样。'));
    const [line] = await stored(home, linesIn);
    expect(line).toMatchObject({ author: ids.ann, messages: [{ content: 'How?' }, { content: '这样。' }] });
  });

  test('a conversation of one’s own that was handed in is not lost by skipping it late', async () => {
    const task = (await store.lease(ids.ann, 'demonstrate'))!;
    const messages = [
      { role: 'user' as const, content: 'How?' },
      { role: 'assistant' as const, content: '这样。' },
    ];
    await store.submit(ids.ann, task.id, { content: { kind: 'demonstrate', messages }, milliseconds: 1 });
    await expect(store.skip(ids.ann, task.id)).rejects.toMatchObject({ statusCode: 409, code: 'handed_in' });
    expect(await stored(home, linesIn)).toMatchObject([{ messages }]);
  });

  test('where no conversation is asked for one may be begun; skipped, it leaves nothing behind', async () => {
    const task = (await store.lease(ids.ann, 'demonstrate'))!;
    expect(task.prompt).toEqual([]);
    await store.release(ids.ann, task.id);
    expect((await store.lease(ids.bo, 'demonstrate'))!.id).not.toBe(task.id);
    expect((await store.lease(ids.ann, 'demonstrate'))!.id).toBe(task.id);
    await store.skip(ids.ann, task.id);
    expect((await database.db.selectFrom('tasks').select('created_by').execute()).map((row) => row.created_by)).toEqual(
      [ids.bo],
    );
  });
});

describe('taking back', () => {
  test('the last five can be taken up again as they were, older ones not', async () => {
    await rankingTasks(6);
    const done: string[] = [];
    for (let round = 0; round < 6; round++) {
      now += 1;
      done.push(await handIn('ann', 'yzx'));
    }
    await expect(store.undo(ids.ann, done[0]!)).rejects.toThrow(/Only the last 5/);
    await expect(store.undo(ids.bo, done[5]!)).rejects.toThrow(/Only the last 5/);
    const task = (await store.undo(ids.ann, done[1]!))!;
    expect(task.draft).toEqual(ranked(task, 'yzx').content);
    expect(await stored(home, linesIn)).toHaveLength(5);
    await store.submit(ids.ann, task.id, ranked(task, 'xyz'));
    expect(await stored(home, linesIn)).toHaveLength(6);
  });

  test('a task that somebody else holds comes back when they are done', async () => {
    await rankingTasks(1);
    const contribution = await handIn('ann');
    const task = (await lease('bo'))!;
    expect(await store.undo(ids.ann, contribution)).toBeNull();
    expect(await lease('ann')).toBeNull();
    await store.submit(ids.bo, task.id, ranked(task, 'xyz'));
    expect((await lease('ann'))!.id).toBe(task.id);
  });

  test('rankings go into a snapshot as each person gave them, until they are withdrawn', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    const contribution = await store.submit(ids.ann, task.id, ranked(task, 'yxz'));
    await handIn('bo', 'zyx');
    const [line, ...others] = await stored(home, linesIn);
    expect(others).toHaveLength(1);
    expect(line).toMatchObject({
      ...{ id: contribution, author: ids.ann, prompt: [{ role: 'user', content: 'question 0' }] },
      ...{ answers: ['x', 'y', 'z'], ranking: [2, 1, 3], milliseconds: 1234 },
    });
    const { shownOrder } = line as unknown as { shownOrder: number[] };
    expect(shownOrder.map((index) => ['x', 'y', 'z'][index])).toEqual(task.answers.map(({ content }) => content));

    await store.withdraw(ids.ann, contribution);
    await expect(store.withdraw(ids.ann, contribution)).rejects.toMatchObject({ statusCode: 404 });
    expect(await stored(home, linesIn)).toEqual(others);
    expect(await lease('ann')).toBeNull();
  });

  test('where none is good every answer gets a thumb down, and a ranking only where there is one', async () => {
    await rankingTasks(1);
    const task = (await lease('ann'))!;
    const content: Content = { kind: 'rank', ranks: {}, noneGood: true, comment: 'all wrong' };
    await store.submit(ids.ann, task.id, { content, milliseconds: 1 });
    expect(await stored(home, linesIn)).toMatchObject([
      { answer: 'x', thumb: 'down', comment: 'all wrong' },
      { answer: 'y', thumb: 'down' },
      { answer: 'z', thumb: 'down' },
    ]);
    const other = (await lease('bo'))!;
    await store.submit(ids.bo, other.id, ranked(other, 'xyz', true));
    expect((await stored(home, linesIn)).filter((line) => 'ranking' in line)).toHaveLength(1);
  });
});
