/**
 * Answers that are being written. An answer belongs to the server, not to the request that asked for it:
 * it goes on when the reader leaves, and any number of readers may follow it from where it stands.
 *
 * What has been drawn is written to the database every `flushEveryMilliseconds`, all answers in one
 * commit, so a crash costs at most that much text; the next start finds such messages still 'streaming'
 * and marks them 'interrupted' (see recover). An answer counts as done only when its last write is, and that
 * one waits for the disk. Text on its way does not, since that would hold up every reader; a power cut may
 * cost what came since the disk was last waited for.
 */
import type { FastifyBaseLogger } from 'fastify';
import type { Db, OpenDatabase } from '../db/database.ts';
import { packTokens } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { InterruptedError } from '../inference/generation.ts';
import { Answer, type NewAnswer, type PlacedEvent, type ReaderOptions } from './answer.ts';
import { appendToLog, type LogEntry, settleLog, trimLog } from './answer-log.ts';

/** With the time that a write takes on a busy machine, still within the 250 ms of text that a crash may cost. */
const flushEveryMilliseconds = 100;
/** What a power cut may cost. */
const syncEveryMilliseconds = 2_000;

export class Answers {
  readonly #database: Pick<OpenDatabase, 'db' | 'unsynced'>;
  readonly #log: FastifyBaseLogger;
  readonly #running = new Map<string, Answer>();
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();
  #lastFlush = 0;
  #syncedAt = 0;
  #closing = false;

  constructor(database: Pick<OpenDatabase, 'db' | 'unsynced'>, log: FastifyBaseLogger) {
    this.#database = database;
    this.#log = log;
    this.#timer = setInterval(() => this.#flush(), flushEveryMilliseconds).unref();
  }

  start(answer: NewAnswer): void {
    const running = new Answer(answer);
    this.#running.set(answer.message.id, running);
    void this.#collect(running);
  }

  /** The events of an answer from its content so far, or from a place; null if it is not being written. */
  events(messageId: string, options: ReaderOptions, signal: AbortSignal): AsyncGenerator<PlacedEvent> | null {
    return this.#running.get(messageId)?.follow(options, signal) ?? null;
  }

  isRunning(messageId: string): boolean {
    return this.#running.has(messageId);
  }

  /** The texts so far of what is being written in a conversation, by message: the database has them only at the end. */
  textsIn(conversationId: string): ReadonlyMap<string, string> {
    const answers = [...this.#running.values()].filter(({ message }) => message.conversationId === conversationId);
    return new Map(answers.map(({ message, text }) => [message.id, String(text)]));
  }

  /** Frees the compute within one token; what was written stays. */
  stop(messageId: string): void {
    this.#running.get(messageId)?.generation.cancel();
  }

  /** Stops every answer of a conversation that is about to go. */
  stopConversation(conversationId: string): void {
    for (const { message, generation } of this.#running.values()) {
      if (message.conversationId === conversationId) generation.cancel();
    }
  }

  /** Writes down what there is. Call when no generation can give anything any more. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    await new Promise((resolve) => setImmediate(resolve));
    await this.#flush();
  }

  async #collect(answer: Answer): Promise<void> {
    const { generation, message, filter } = answer;
    generation.accepted.then(
      (accepted) => {
        answer.accepted = accepted;
        message.droppedTurns = accepted.droppedTurns;
        answer.changed();
      },
      () => {},
    );
    try {
      const pieces = generation.read();
      let next = await pieces.next();
      while (!next.done) {
        answer.text.append(filter.push(storableText(next.value.text)));
        if (filter.stopped) generation.cancel();
        for (const token of next.value.tokens) answer.tokens.push(token.id);
        answer.changed();
        next = await pieces.next();
      }
      message.status = filter.stopped ? 'stop' : next.value;
    } catch (error) {
      message.status = error instanceof InterruptedError ? 'interrupted' : 'error';
      answer.failure = (error as Error).message;
    }
    answer.text.append(filter.end());
    answer.changed();
    if (!this.#closing) await this.#flush();
  }

  /** Writes every changed answer in one commit; ended ones leave. A failed write is tried again at the next. */
  #flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const changed = [...this.#running.values()].filter((answer) => answer.dirty);
      if (changed.length === 0) return;
      for (const answer of changed) answer.dirty = false;
      try {
        await this.#write(changed);
        for (const answer of changed.filter(isFinal)) {
          // Something may have come while the write was under way; then the next flush takes it along.
          if (answer.dirty) continue;
          this.#running.delete(answer.message.id);
          answer.end();
        }
      } catch (error) {
        this.#log.error(error, 'answers could not be saved; trying again');
        for (const answer of changed) {
          answer.dirty = true;
          if (!isFinal(answer) || answer.ended) continue;
          answer.failure = `The answer could not be saved: ${(error as Error).message}`;
          answer.end();
        }
      }
    });
    return this.#writing;
  }

  /** What is new of those that go on, and those that have ended as a whole. */
  async #write(answers: Answer[]): Promise<void> {
    // All of it looked at in one moment: while the database works, the answers grow on.
    const running = answers.filter((answer) => !isFinal(answer));
    const ended = answers.filter(isFinal);
    const accepted = running.filter((answer) => answer.accepted !== null && !answer.written.prompt);
    const reached = running.map((answer) => ({ answer, written: progressOf(answer) }));
    const logged = reached.filter(({ answer, written }) => isNew(answer.written, written));
    const entries = logged.map(({ answer, written }) => entryUpTo(answer, written));
    const others = [...this.#running.values()].filter((answer) => !ended.includes(answer));
    const flush = ++this.#lastFlush;
    const oldestNeeded = Math.min(flush + 1, ...others.map(({ firstFlush }) => firstFlush ?? flush));
    const write = async (transaction: Db) => {
      for (const answer of accepted) await writePrompt(transaction, answer);
      if (entries.length > 0) await appendToLog(transaction, flush, entries);
      for (const answer of ended) await writeWhole(transaction, answer);
      if (ended.length > 0) await trimLog(transaction, oldestNeeded);
    };
    const { db, unsynced } = this.#database;
    const sync = ended.length > 0 || Date.now() - this.#syncedAt > syncEveryMilliseconds;
    await (sync ? db.transaction().execute(write) : unsynced(write));
    if (sync) this.#syncedAt = Date.now();
    for (const { answer } of logged) answer.firstFlush ??= flush;
    for (const { answer, written } of reached) answer.written = written;
  }
}

type Progress = Answer['written'];

function progressOf({ text, tokens, filter, accepted, written }: Answer): Progress {
  return {
    // Tokens that have no text yet, such as half a character, wait for it.
    ...{ characters: text.length, tokens: text.length > written.characters ? tokens.length : written.tokens },
    ...{ held: filter.held, prompt: accepted !== null },
  };
}

/** Whether there is anything to log. */
function isNew(written: Progress, reached: Progress): boolean {
  return reached.characters > written.characters || reached.held !== written.held;
}

function entryUpTo({ generationId, text, tokens, written }: Answer, reached: Progress): LogEntry {
  return {
    ...{ run: generationId, text: text.from(written.characters) },
    ...{ tokens: tokens.slice(written.tokens, reached.tokens), held: reached.held },
  };
}

async function writePrompt(transaction: Db, { generationId, message, accepted }: Answer): Promise<void> {
  const { promptTokens, droppedTurns } = accepted!;
  await transaction
    .updateTable('generations')
    .set({ prompt_tokens: packTokens(promptTokens), dropped_turns: droppedTurns })
    .where('id', '=', generationId)
    .execute();
  if (droppedTurns === 0) return;
  const change = { dropped_turns: droppedTurns };
  await transaction.updateTable('messages').set(change).where('id', '=', message.id).execute();
}

async function writeWhole(transaction: Db, answer: Answer): Promise<void> {
  const { message, text, generationId } = answer;
  const { status, droppedTurns } = message;
  const now = Date.now();
  if (answer.accepted && !answer.written.prompt) await writePrompt(transaction, answer);
  await transaction
    .updateTable('messages')
    .set({ content: String(text), status, dropped_turns: droppedTurns, updated_at: now })
    .where('id', '=', message.id)
    .execute();
  await transaction
    .updateTable('generations')
    .set({ answer_tokens: packTokens(answer.tokens), finish_reason: status, finished_at: now })
    .where('id', '=', generationId)
    .execute();
}

const isFinal = (answer: Answer) => answer.message.status !== 'streaming';

/** Messages that a crash left unfinished keep their text and offer to be continued. */
export async function recover(db: Db): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    await settleLog(transaction);
    const { numUpdatedRows } = await transaction
      .updateTable('messages')
      .set({ status: 'interrupted' })
      .where('status', '=', 'streaming')
      .executeTakeFirst();
    await transaction
      .updateTable('generations')
      .set({ finish_reason: 'interrupted', finished_at: Date.now() })
      .where('finished_at', 'is', null)
      .execute();
    return Number(numUpdatedRows);
  });
}
