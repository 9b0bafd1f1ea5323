import type { Content, Contribution, Overview, Task, TaskDetail, TaskEntry, ThumbedMessage } from '@parley/contracts';
import { takeSnapshot } from '@parley/lm/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { linesIn } from '../feedback/collected.ts';
import { stored } from '../testing/test-database.ts';
import { collect, startTestServer, type TestServer, until } from '../testing/test-server.ts';

let administrator: TestServer;
let trainer: TestServer;
let user: TestServer;
beforeAll(async () => {
  administrator = await startTestServer();
  trainer = await administrator.person('Trainer', 'trainer');
  user = await administrator.person('Somebody');
});
afterAll(() => administrator.close());

const workbench = '/api/workbench';
const tasksOf = async (server: TestServer) => (await server.json<{ tasks: TaskEntry[] }>(`${workbench}/tasks`)).tasks;
const lease = async (server: TestServer, kind: Task['kind']) =>
  (await server.json<{ task: Task | null }>(`${workbench}/lease`, { body: { kind } })).task;

async function thumbDown(server: TestServer, question: string, betterAnswer = ''): Promise<string> {
  const conversation = await server.newConversation();
  await collect(server.ask(conversation, { content: question, sampling: { maxTokens: 8 } }));
  const answer = (await server.messages(conversation))[1]!;
  await server.json(`/api/messages/${answer.id}/feedback`, {
    ...{ method: 'PUT', body: { thumb: 'down', comment: 'no', betterAnswer } },
  });
  return answer.id;
}

test('a thumb down becomes a ranking task, is ranked, goes into a snapshot, and goes with the thumb', async () => {
  const answerId = await thumbDown(user, 'What is the best tea?', '龙井茶。');
  const { thumbs } = await trainer.json<{ thumbs: ThumbedMessage[] }>(`${workbench}/thumbs`);
  expect(thumbs).toMatchObject([{ question: 'What is the best tea?', comment: 'no', taskId: null }]);
  const request = { feedbackIds: [thumbs[0]!.feedbackId], answers: 4 };
  expect(await trainer.json(`${workbench}/tasks/from-thumbs`, { body: request })).toEqual({ made: 1 });
  expect(await trainer.json(`${workbench}/tasks/from-thumbs`, { body: request })).toEqual({ made: 0 });
  await until(async () => (await tasksOf(trainer))[0]!.state === 'open', 60_000);
  const [entry] = await tasksOf(trainer);
  expect(entry).toMatchObject({ kind: 'rank', fromThumb: true, contributions: 0, peopleWanted: 3, tau: null });
  expect(entry!.answers).toBeGreaterThanOrEqual(3);

  const task = (await lease(trainer, 'rank'))!;
  expect(task.prompt).toEqual([{ role: 'user', content: 'What is the best tea?' }]);
  const texts = task.answers.map(({ content }) => content);
  expect(texts).toContain('龙井茶。');
  expect(new Set(texts).size).toBe(texts.length);
  const ranks = Object.fromEntries(task.answers.map(({ id }, index) => [id, index + 1]));
  const content: Content = { kind: 'rank', ranks, noneGood: false, comment: '' };
  const done = await trainer.json<Contribution>(`${workbench}/tasks/${task.id}/submit`, {
    body: { content, milliseconds: 900 },
  });
  expect(done).toMatchObject({ kind: 'rank', undoable: true, snapshots: [] });

  const detail = await administrator.json<TaskDetail>(`${workbench}/tasks/${task.id}`);
  expect(detail.said).toMatchObject([{ name: 'trainer', content, milliseconds: 900 }]);
  expect(detail.merged).toEqual(detail.answerTexts.map(({ id }) => ranks[id]));

  const lines = await stored(administrator.home, linesIn);
  const { snapshot } = takeSnapshot(`${administrator.home}/snapshots`, lines, []);
  const overview = await trainer.json<Overview>(`${workbench}/overview?utcOffset=-480`);
  expect(overview).toMatchObject({ streak: 1, doneToday: true, used: 1, agreement: null });
  expect(overview.recent[0]!.snapshots).toEqual([snapshot.hash.slice(0, 12)]);
  expect(overview.kinds.rank).toEqual({ open: 0, millisecondsEach: 900 });

  await user.fetch(`/api/messages/${answerId}/feedback`, { method: 'DELETE' });
  expect(await tasksOf(trainer)).toEqual([]);
  expect(await stored(administrator.home, linesIn)).toEqual([]);
});

test('prompts become tasks to rank, to label and to answer; what the model cannot take says why', async () => {
  const make = (kind: Task['kind'], ...prompts: string[]) =>
    administrator.json(`${workbench}/tasks/import`, { body: { kind, prompts, answers: 2 } });
  expect(await make('demonstrate', 'Write it', 'Write it')).toEqual({ made: 1 });
  expect(await make('label', '你好？')).toEqual({ made: 1 });
  expect(await make('rank', 'x '.repeat(4000))).toEqual({ made: 1 });
  await until(async () => (await tasksOf(administrator)).every(({ state }) => state !== 'preparing'), 60_000);
  const failed = (await tasksOf(administrator)).find(({ state }) => state === 'failed');
  expect(failed?.failure).toMatch(/context/);

  const label = (await lease(trainer, 'label'))!;
  expect(label.answers).toHaveLength(1);
  const incomplete = { kind: 'label', questions: { answers: true }, flags: ['untrue'], scales: {}, comment: '' };
  const body = (content: object) => ({ body: { content, milliseconds: 1 } });
  const refused = await trainer.fetch(`${workbench}/tasks/${label.id}/submit`, body(incomplete));
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('language, quality, helpfulness, style: not answered');
  const complete = {
    ...incomplete,
    questions: { answers: true, language: true },
    scales: { quality: 1, helpfulness: 3, style: 5 },
  };
  await trainer.json(`${workbench}/tasks/${label.id}/submit`, body(complete));
  const [line] = await stored(administrator.home, linesIn);
  expect(line).toMatchObject({
    labels: { flags: ['untrue'], scales: complete.scales },
    answer: label.answers[0]!.content,
  });
  expect(takeSnapshot(`${administrator.home}/labels`, [line!], []).snapshot.lines.labels).toBe(1);

  for (const { id } of await tasksOf(administrator)) {
    expect((await administrator.fetch(`${workbench}/tasks/${id}`, { method: 'DELETE' })).status).toBe(204);
  }
  expect(await stored(administrator.home, linesIn)).toEqual([]);
});

test('guidelines come with both languages and are the administrator’s to change', async () => {
  const shipped = await trainer.json<{ en: string; zh: string }>(`${workbench}/guidelines`);
  expect(shipped.en).toMatch(/^# How we judge/);
  expect(shipped.zh).toMatch(/^# 怎样评判/);
  const changed = { en: '# Ours', zh: '# 我们的' };
  expect((await trainer.fetch(`${workbench}/guidelines`, { method: 'PUT', body: changed })).status).toBe(403);
  expect(await administrator.json(`${workbench}/guidelines`, { method: 'PUT', body: changed })).toEqual(changed);
  expect(await trainer.json(`${workbench}/guidelines`)).toEqual(changed);
});

test('people without the role are turned away from all of it, whoever they ask about', async () => {
  const id = '01900000-0000-7000-8000-000000000000';
  const forTrainers: [string, string, object?][] = [
    ['GET', '/overview'],
    ['POST', '/lease', { kind: 'rank' }],
    ['POST', `/tasks/${id}/heartbeat`],
    ['PUT', `/tasks/${id}/draft`, {}],
    ['POST', `/tasks/${id}/submit`, {}],
    ['POST', `/tasks/${id}/skip`],
    ['POST', `/tasks/${id}/release`],
    ['GET', '/contributions'],
    ['POST', `/contributions/${id}/undo`],
    ['DELETE', `/contributions/${id}`],
    ['GET', '/guidelines'],
    ['GET', '/thumbs'],
    ['POST', '/tasks/from-thumbs', { feedbackIds: [id] }],
    ['GET', '/tasks'],
  ];
  const forAdministrators: [string, string, object?][] = [
    ['PUT', '/guidelines', { en: '', zh: '' }],
    ['POST', '/tasks/import', { kind: 'rank', prompts: ['a?'] }],
    ['GET', `/tasks/${id}`],
    ['DELETE', `/tasks/${id}`],
  ];
  const status = async (server: TestServer, [method, path, body]: [string, string, object?]) =>
    (await server.fetch(workbench + path, { method, body })).status;
  for (const route of [...forTrainers, ...forAdministrators]) expect(await status(user, route), route[1]).toBe(403);
  for (const route of forAdministrators) expect(await status(trainer, route), route[1]).toBe(403);
  for (const route of forTrainers) expect(await status(trainer, route), route[1]).not.toBe(403);
});
