/**
 * Answers that are being written. An answer belongs to the server, not to the request that asked for it:
 * it goes on when the reader leaves, and any number of readers may follow it from where it stands.
 *
 * What has been drawn is written to the database every `flushEveryMilliseconds`, all answers in one
 * commit, so a crash costs at most that much text; the next start finds such messages still 'streaming'
 * and marks them 'interrupted' (see recover). An answer counts as done only when its last write is.
 *
 * The text of an answer only grows, so it is its own event log, and the position in it is the sequence
 * number: text and number cannot come apart, in memory or in the database. A reader names the `Place` up to
 * which it has read and gets what follows. A reader that lags holds nothing but its place, and gets what it
 * missed in one piece.
 */
import { EventEmitter, once } from 'node:events';
import type { Conversation, Message, StreamEvent } from '@parley/contracts';
import type { FastifyBaseLogger } from 'fastify';
import type { Db } from '../db/database.ts';
import { packTokens } from '../db/schema.ts';
import { storableText } from '../db/text.ts';
import { type Generation, InterruptedError } from '../inference/generation.ts';
import type { Accepted } from '../inference/protocol.ts';
import type { AnswerFilter } from '../safety/guard.ts';
import { appendToLog, heldEntry, type LogEntry, settleLogs } from './answer-log.ts';

/** With the time that a write takes on a busy machine, still within the 250 ms of text that a crash may cost. */
const flushEveryMilliseconds = 100;

/**
 * How far a reader has read: characters (UTF-16 units) of the text as the run knows it. After a crash the same
 * position can mean other words, written by a later run; so a place names its run, the id of the generation.
 */
export interface Place {
  run: string;
  position: number;
}

/** An event, and where its reader stands after it. */
export interface PlacedEvent {
  event: StreamEvent;
  place: Place;
}

interface ReaderOptions {
  /** The stored question, if the reader has just asked it. */
  question?: Message | null;
  /** Where to go on; a place that this run does not know begins with 'start' and the whole text instead. */
  after?: Place | null;
}

interface NewAnswer {
  /** As stored, status 'streaming'; its content is what a continued answer already had. */
  message: Message;
  /** The tokens of that content. */
  tokens: number[];
  generationId: string;
  generation: Generation;
  /** What stands between the model and the readers; absent: nothing. */
  filter?: AnswerFilter;
  /** The conversation, if this answer's question has just given it its title. */
  titled: Conversation | null;
}

/** One answer in the making. */
class Answer {
  readonly message: Message;
  readonly generationId: string;
  readonly generation: Generation;
  readonly filter: AnswerFilter;
  readonly titled: Conversation | null;
  /** Of the whole answer so far. */
  readonly tokens: number[];
  accepted: Accepted | null = null;
  /** How much of it is in the database: characters, tokens, what was held, and whether the prompt is. */
  written = { characters: 0, tokens: 0, held: '', prompt: false };
  /** Something has changed since the last write. */
  dirty = false;
  /** What went wrong, for the readers. */
  failure: string | null = null;
  /** Nothing more will come. */
  ended = false;
  readonly #changes = new EventEmitter().setMaxListeners(0);

  constructor({ message, tokens, generationId, generation, filter = noFilter, titled }: NewAnswer) {
    this.message = message;
    this.tokens = tokens;
    this.generationId = generationId;
    this.generation = generation;
    this.filter = filter;
    this.titled = titled;
    this.written.characters = message.content.length;
    this.written.tokens = tokens.length;
  }

  changed(): void {
    this.dirty = true;
    this.#changes.emit('change');
  }

  end(): void {
    this.ended = true;
    this.#changes.emit('change');
  }

  async *follow(
    { question = null, after = null }: ReaderOptions,
    signal: AbortSignal,
  ): AsyncGenerator<PlacedEvent, void, void> {
    const run = this.generationId;
    // One snapshot for both: what the reader is shown now, and where the deltas go on.
    const answer = { ...this.message };
    const joins = knows({ run, length: answer.content.length }, after);
    let position = joins ? after.position : answer.content.length;
    if (!joins) yield { event: { type: 'start', question, answer }, place: { run, position } };
    if (this.titled) yield { event: { type: 'title', conversation: this.titled }, place: { run, position } };
    while (true) {
      const { content } = this.message;
      if (position < content.length) {
        const text = content.slice(position);
        position = content.length;
        yield { event: { type: 'delta', text }, place: { run, position } };
      } else if (this.ended) {
        break;
      } else {
        await once(this.#changes, 'change', { signal });
      }
    }
    const event: StreamEvent =
      this.failure === null ? { type: 'done', answer: { ...this.message } } : { type: 'error', message: this.failure };
    yield { event, place: { run, position } };
  }
}

export class Answers {
  readonly #db: Db;
  readonly #log: FastifyBaseLogger;
  readonly #running = new Map<string, Answer>();
  readonly #timer: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();
  #closing = false;

  constructor(db: Db, log: FastifyBaseLogger) {
    this.#db = db;
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
        message.content += filter.push(storableText(next.value.text));
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
    message.content += filter.end();
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
    const entries = running.flatMap(unwritten);
    const reached = running.map((answer) => ({ answer, written: progressOf(answer) }));
    await this.#db.transaction().execute(async (transaction) => {
      for (const answer of accepted) await writePrompt(transaction, answer);
      await appendToLog(transaction, entries);
      for (const answer of ended) await writeWhole(transaction, answer);
    });
    for (const { answer, written } of reached) answer.written = written;
  }
}

function progressOf({ message, tokens, filter, accepted, written }: Answer): Answer['written'] {
  const { length } = message.content;
  return {
    // Tokens that have no text yet, such as half a character, wait for it.
    ...{ characters: length, tokens: length > written.characters ? tokens.length : written.tokens },
    ...{ held: filter.held, prompt: accepted !== null },
  };
}

function unwritten({ generationId, message, tokens, filter, written }: Answer): LogEntry[] {
  const text = message.content.slice(written.characters);
  const fresh = tokens.slice(written.tokens);
  return [
    ...(text !== '' ? [{ generationId, sequence: written.characters, text, tokens: fresh }] : []),
    ...(filter.held === written.held ? [] : [heldEntry(generationId, filter.held)]),
  ];
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
  const { message, generationId } = answer;
  const { content, status, droppedTurns } = message;
  const now = Date.now();
  if (answer.accepted && !answer.written.prompt) await writePrompt(transaction, answer);
  await transaction
    .updateTable('messages')
    .set({ content, status, dropped_turns: droppedTurns, updated_at: now })
    .where('id', '=', message.id)
    .execute();
  await transaction
    .updateTable('generations')
    .set({ answer_tokens: packTokens(answer.tokens), finish_reason: status, finished_at: now })
    .where('id', '=', generationId)
    .execute();
  await transaction.deleteFrom('answer_pieces').where('generation_id', '=', generationId).execute();
}

const noFilter: AnswerFilter = { push: (piece) => piece, end: () => '', held: '', stopped: false };

const isFinal = (answer: Answer) => answer.message.status !== 'streaming';

/** The events of an answer that nobody writes any more, for a reader who stands at `after`. */
export function* storedEvents(
  answer: Message,
  run: string,
  { question = null, after = null }: ReaderOptions,
): Generator<PlacedEvent> {
  const place = { run, position: answer.content.length };
  if (!knows({ run, length: place.position }, after)) yield { event: { type: 'start', question, answer }, place };
  else if (after.position < place.position) {
    yield { event: { type: 'delta', text: answer.content.slice(after.position) }, place };
  }
  yield { event: { type: 'done', answer }, place };
}

/** Whether the text up to a reader's place is the text that the run has there. */
function knows({ run, length }: { run: string; length: number }, place: Place | null): place is Place {
  return place !== null && place.run === run && place.position <= length;
}

/** Messages that a crash left unfinished keep their text and offer to be continued. */
export async function recover(db: Db): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    await settleLogs(transaction);
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
