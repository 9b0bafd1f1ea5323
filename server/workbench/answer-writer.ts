/**
 * Writes the answers that tasks wait for, in the background: a few at a time, so that most of the model stays free for
 * people who chat. What is to be written stands in the database; whatever was begun when the server ended is begun
 * again when it is back.
 */
import { randomInt } from 'node:crypto';
import { type Sampling, samplingSchema } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import { packTokens } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { HttpError } from '../http/errors.ts';
import { type Generation, InterruptedError, RefusedError } from '../inference/generation.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { ModelDescription } from '../inference/protocol.ts';
import { newAnswer } from './make-tasks.ts';
import { promptIn, type TaskAnswerRow, type TaskRow } from './tables.ts';

const atOnce = 4;
/** A small model may say the same again and again: so many tries for each answer that is wanted. */
const triesPerAnswer = 4;
const retryMilliseconds = 5_000;

export class AnswerWriter {
  readonly #db: Db;
  readonly #pool: ModelPool;
  readonly #log: FastifyBaseLogger;
  readonly #running = new Set<Generation>();
  #work: Promise<void> | null = null;
  #again = false;
  #retry: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(db: Db, pool: ModelPool, log: FastifyBaseLogger) {
    this.#db = db;
    this.#pool = pool;
    this.#log = log;
  }

  /** Call when there may be something to write: at the start, and after tasks were made. */
  wake(): void {
    this.#again = true;
    if (this.#work || this.#closing) return;
    this.#work = this.#run().finally(() => {
      this.#work = null;
      if (this.#again) this.wake();
    });
  }

  /** Stops; what is unfinished stays to be done. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#retry) clearTimeout(this.#retry);
    for (const generation of this.#running) generation.cancel();
    await this.#work;
  }

  async #run(): Promise<void> {
    this.#again = false;
    try {
      while (!this.#closing) {
        const task = await this.#db
          .selectFrom('tasks')
          .selectAll()
          .where('state', '=', 'preparing')
          .orderBy('id')
          .executeTakeFirst();
        if (!task) return;
        await this.#prepare(task);
      }
    } catch (error) {
      if (this.#closing) return;
      const expected = error instanceof InterruptedError || (error instanceof HttpError && error.statusCode === 503);
      if (!expected) this.#log.error(error, 'the answers of a task could not be written; trying again');
      this.#retry = setTimeout(() => this.wake(), retryMilliseconds).unref();
    }
  }

  /** A prompt that the model refuses will not be taken at another time either. */
  async #prepare(task: TaskRow): Promise<void> {
    try {
      await this.#writeAnswers(task);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.#end(task, error.message);
    }
  }

  async #writeAnswers(task: TaskRow): Promise<void> {
    const answers = await this.#db.selectFrom('task_answers').selectAll().where('task_id', '=', task.id).execute();
    const texts = new Set(answers.map(({ content }) => content.trim()));
    let tries = 0;
    let round = 0;
    while (texts.size < task.answers_wanted && tries < task.answers_wanted * triesPerAnswer) {
      const count = Math.min(atOnce, task.answers_wanted - texts.size);
      tries += count;
      const model = await this.#pool.model();
      const drawn = await settledAll(Array.from({ length: count }, () => this.#draw(task, model, round)));
      round++;
      if (this.#closing) return;
      for (const answer of drawn) {
        const text = answer.content.trim();
        if (text === '' || texts.has(text)) continue;
        texts.add(text);
        await this.#db.insertInto('task_answers').values(answer).execute();
      }
    }
    const needed = task.kind === 'rank' ? 2 : 1;
    const enough = texts.size >= needed;
    await this.#end(task, enough ? null : `The model gave ${texts.size} different answers; ${needed} are needed.`);
  }

  async #end(task: TaskRow, failure: string | null): Promise<void> {
    await this.#db
      .updateTable('tasks')
      .set({ state: failure === null ? 'open' : 'failed', failure })
      .where('id', '=', task.id)
      .execute();
  }

  /** First as the model chats; what says the same again is asked more daringly, round by round. */
  async #draw(task: TaskRow, model: ModelDescription, round: number): Promise<TaskAnswerRow> {
    const daring = round > 0 && { temperature: Math.min(2, 1 + 0.25 * round), topP: 1, topK: 0 };
    const sampling: Sampling = samplingSchema.parse({ ...model.sampling, ...daring, seed: randomInt(2 ** 31) });
    const messages = promptIn(task);
    const generation = this.#pool.generate(model.id, {
      ...{ messages, answer: [], dropOldestTurns: true, sampling, topLogProbabilities: null },
    });
    this.#running.add(generation);
    try {
      let content = '';
      const tokens: number[] = [];
      for await (const piece of generation.read()) {
        content += piece.text;
        for (const { id } of piece.tokens) tokens.push(id);
      }
      const { promptTokens } = await generation.accepted;
      return {
        ...newAnswer(task.id, storableText(content)),
        ...{ model_name: model.id, weights_hash: model.weightsHash, sampling: JSON.stringify(sampling) },
        ...{ prompt_tokens: packTokens(promptTokens), answer_tokens: packTokens(tokens) },
      };
    } finally {
      this.#running.delete(generation);
    }
  }
}

/** Waits for all before it gives the first failure, so that nothing runs on unwatched. */
async function settledAll<Value>(promises: readonly Promise<Value>[]): Promise<Value[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
