/** A disk that fills up costs nothing that was acknowledged, and the answer is saved once there is room. */
import Fastify, { type FastifyRequest } from 'fastify';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/database.ts';
import { unpackTokens } from '../db/schema.ts';
import { toHttpError } from '../http/errors.ts';
import { Generation } from '../inference/generation.ts';
import { storeOwner, storeUnfinishedAnswer } from '../testing/stored-answer.ts';
import { collect, newHome, until } from '../testing/test-server.ts';
import { Answers } from './answers.ts';
import { messageOf } from './conversations.ts';

const { log } = Fastify();
let database: OpenDatabase;
let answers: Answers;
let owner: string;

beforeEach(async () => {
  database = await openDatabase(newHome());
  answers = new Answers(database, log);
  owner = await storeOwner(database.db);
});
afterEach(async () => {
  await answers.close();
  await database.close();
});

async function startAnswer(generation: Generation): Promise<string> {
  const unfinished = await storeUnfinishedAnswer(database.db, owner);
  answers.start({ ...unfinished, tokens: [], generation, titled: null });
  return unfinished.message.id;
}

async function limitPages(pages: number): Promise<void> {
  await sql.raw(`PRAGMA max_page_count = ${pages}`).execute(database.db);
}

test('the reader is told, and the whole answer is stored as soon as it can be', async () => {
  const { db } = database;
  const generation = new Generation(() => {});
  const id = await startAnswer(generation);
  const events = collect(answers.events(id, {}, new AbortController().signal)!);
  generation.accept({ promptTokens: [1, 2, 3], droppedTurns: 0 });
  await limitPages(1);
  generation.append({ text: '🙂 long '.repeat(5_000), tokens: [{ id: 7 }, { id: 8 }] });
  generation.finish('stop');
  expect((await events).at(-1)!.event).toMatchObject({
    type: 'error',
    message: expect.stringMatching(/could not be saved.*full/),
  });
  expect(await messageOf(db, owner, id)).toMatchObject({ status: 'streaming' });

  await limitPages(100_000);
  await until(async () => (await messageOf(db, owner, id)).status === 'stop');
  expect((await messageOf(db, owner, id)).content).toBe('🙂 long '.repeat(5_000));
  const stored = await db.selectFrom('generations').selectAll().executeTakeFirstOrThrow();
  expect(unpackTokens(stored.prompt_tokens!)).toEqual([1, 2, 3]);
  expect(unpackTokens(stored.answer_tokens)).toEqual([7, 8]);
  expect(answers.isRunning(id)).toBe(false);
});

test('a question that cannot be stored is a 507 with its reason', async () => {
  await limitPages(1);
  const values = { id: 'x', owner_id: owner, title: 'x'.repeat(100_000), created_at: 0, updated_at: 0 };
  const error = await database.db
    .insertInto('conversations')
    .values(values)
    .execute()
    .catch((cause) => cause);
  expect(toHttpError(error, { log } as FastifyRequest)).toMatchObject({
    statusCode: 507,
    code: 'disk_full',
    message: expect.stringContaining('disk is full'),
  });
});
