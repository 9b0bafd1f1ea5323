/** Answers whose pieces the test gives itself: what readers get of them, and what the log keeps. */
import Fastify from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OpenDatabase } from '../db/database.ts';
import { unpackTokens } from '../db/schema.ts';
import { Generation } from '../inference/generation.ts';
import { storeOwner, storeUnfinishedAnswer } from '../testing/stored-answer.ts';
import { openTestDatabase } from '../testing/test-database.ts';
import { collect, newHome, until } from '../testing/test-server.ts';
import { readLog } from './answer-log.ts';
import { Answers, recover } from './answers.ts';
import { messageOf } from './conversations.ts';

let database: OpenDatabase;
let answers: Answers;
let owner: string;

beforeEach(async () => {
  database = await openTestDatabase(newHome());
  answers = new Answers(database, Fastify().log);
  owner = await storeOwner(database.db);
});
afterEach(async () => {
  await answers.close();
  await database.close();
});

async function start() {
  const unfinished = await storeUnfinishedAnswer(database.db, owner);
  const generation = new Generation(() => {});
  answers.start({ ...unfinished, tokens: [], generation, titled: null });
  generation.accept({ promptTokens: [1, 2], droppedTurns: 0 });
  const { message, generationId: run } = unfinished;
  return {
    ...{ run, id: message.id, conversationId: message.conversationId, generation },
    say: (text: string, ...tokens: number[]) => generation.append({ text, tokens: tokens.map((id) => ({ id })) }),
    read: () => answers.events(message.id, {}, new AbortController().signal)!,
  };
}

const rowsOfLog = () => database.db.selectFrom('answer_log').select('flush').orderBy('flush').execute();
const isLogged = (run: string, text: string) =>
  until(async () => (await readLog(database.db)).get(run)?.text.endsWith(text) ?? false);

test('a slow reader holds up nobody, and gets what it missed in one piece', async () => {
  const { say, read, generation } = await start();
  const [slow, fast] = [read(), read()];
  for (const reader of [slow, fast]) expect((await reader.next()).value).toMatchObject({ event: { type: 'start' } });
  let text = '';
  for (let index = 0; index < 1_000; index++) {
    say(`piece ${index} `, index);
    const { value } = await fast.next();
    expect(value!.event).toEqual({ type: 'delta', text: `piece ${index} ` });
    text += `piece ${index} `;
  }
  expect((await slow.next()).value!.event).toEqual({ type: 'delta', text });
  generation.finish('stop');
  for (const reader of [slow, fast]) expect((await reader.next()).value).toMatchObject({ event: { type: 'done' } });
});

test('a reader that leaves while nothing comes is let go', async () => {
  const { id, generation } = await start();
  const gone = new AbortController();
  const reader = answers.events(id, {}, gone.signal)!;
  await reader.next();
  const waiting = reader.next();
  gone.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  generation.finish('stop');
});

test('all answers are logged in one row a flush, and rows go when nobody needs them', async () => {
  const [one, other] = [await start(), await start()];
  one.say('one ', 1);
  other.say('other ', 2);
  await isLogged(other.run, 'other ');
  expect(await rowsOfLog()).toHaveLength(1);
  for (const text of ['goes ', 'on ']) {
    one.say(text, 3);
    await isLogged(one.run, text);
  }
  // What the first to end needed, the other one needs too.
  other.generation.finish('stop');
  await until(async () => (await messageOf(database.db, owner, other.id)).status === 'stop');
  expect(await rowsOfLog()).toHaveLength(3);
  expect((await readLog(database.db)).get(one.run)).toMatchObject({ text: 'one goes on ', tokens: [1, 3, 3] });
  one.generation.finish('stop');
  await until(async () => (await messageOf(database.db, owner, one.id)).status === 'stop');
  expect(await rowsOfLog()).toEqual([]);
});

test('what is being written is there for who looks, and after a crash', async () => {
  const { id, run, conversationId, say } = await start();
  say('half an ', 7);
  say('answ', 8);
  await until(() => answers.textsIn(conversationId).get(id) === 'half an answ');
  await isLogged(run, 'answ');
  expect((await messageOf(database.db, owner, id)).content).toBe('');

  expect(await recover(database.db)).toBe(1);
  expect(await messageOf(database.db, owner, id)).toMatchObject({ status: 'interrupted', content: 'half an answ' });
  const generation = await database.db.selectFrom('generations').selectAll().executeTakeFirstOrThrow();
  expect(unpackTokens(generation.answer_tokens)).toEqual([7, 8]);
  expect(await rowsOfLog()).toEqual([]);
});

test('what a run had ended in its log is not put into another', async () => {
  const [ended, cut] = [await start(), await start()];
  cut.say('cut ', 1);
  ended.say('whole', 2);
  await isLogged(ended.run, 'whole');
  ended.generation.finish('stop');
  const { event } = (await collect(ended.read())).at(-1)!;
  expect(event).toMatchObject({ type: 'done', answer: { content: 'whole' } });
  expect((await readLog(database.db)).has(ended.run)).toBe(true);
  await recover(database.db);
  expect(await messageOf(database.db, owner, ended.id)).toMatchObject({ status: 'stop', content: 'whole' });
  expect(await messageOf(database.db, owner, cut.id)).toMatchObject({ status: 'interrupted', content: 'cut ' });
});
