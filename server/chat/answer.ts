/**
 * One answer in the making, and what its readers get of it.
 *
 * The text of an answer only grows, so it is its own event log, and the position in it is the sequence number: text and
 * number cannot come apart, in memory or in the database. A reader names the `Place` up to which it has read and gets
 * what follows. A reader that lags holds nothing but its place, and gets what it missed in one piece.
 */
import type { Conversation, Message, StreamEvent } from '@parley/contracts';
import { Changes } from '../inference/changes.ts';
import type { Generation } from '../inference/generation.ts';
import type { Accepted } from '../inference/protocol.ts';
import type { AnswerFilter } from '../safety/guard.ts';
import { AnswerText } from './answer-text.ts';

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

export interface ReaderOptions {
  /** The stored question, if the reader has just asked it. */
  question?: Message | null;
  /** Where to go on; a place that this run does not know begins with 'start' and the whole text instead. */
  after?: Place | null;
}

export interface NewAnswer {
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

export class Answer {
  /** Its content is what was there before; all of it is in `text`. */
  readonly message: Message;
  readonly text: AnswerText;
  readonly generationId: string;
  readonly generation: Generation;
  readonly filter: AnswerFilter;
  readonly titled: Conversation | null;
  /** Of the whole answer so far. */
  readonly tokens: number[];
  accepted: Accepted | null = null;
  /** How much of it is in the database: characters, tokens, what was held, and whether the prompt is. */
  written = { characters: 0, tokens: 0, held: '', prompt: false };
  /** The first flush that logged something of it. */
  firstFlush: number | null = null;
  /** Something has changed since the last write. */
  dirty = false;
  /** What went wrong, for the readers. */
  failure: string | null = null;
  /** Nothing more will come. */
  ended = false;
  readonly #changes = new Changes();

  constructor({ message, tokens, generationId, generation, filter = noFilter, titled }: NewAnswer) {
    this.message = message;
    this.text = new AnswerText(message.content);
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
    this.#changes.happened();
  }

  end(): void {
    this.ended = true;
    this.#changes.happened();
  }

  /** As it stands now. */
  snapshot(): Message {
    return { ...this.message, content: String(this.text) };
  }

  async *follow(
    { question = null, after = null }: ReaderOptions,
    signal: AbortSignal,
  ): AsyncGenerator<PlacedEvent, void, void> {
    const run = this.generationId;
    let position = this.text.length;
    if (knows({ run, length: position }, after)) position = after.position;
    else yield { event: { type: 'start', question, answer: this.snapshot() }, place: { run, position } };
    if (this.titled) yield { event: { type: 'title', conversation: this.titled }, place: { run, position } };
    const unwatch = this.#changes.wakeOn(signal);
    try {
      while (true) {
        signal.throwIfAborted();
        if (position < this.text.length) {
          const text = this.text.from(position);
          position += text.length;
          yield { event: { type: 'delta', text }, place: { run, position } };
        } else if (this.ended) {
          break;
        } else {
          await this.#changes.next();
        }
      }
    } finally {
      unwatch();
    }
    const event: StreamEvent =
      this.failure === null ? { type: 'done', answer: this.snapshot() } : { type: 'error', message: this.failure };
    yield { event, place: { run, position } };
  }
}

const noFilter: AnswerFilter = { push: (piece) => piece, end: () => '', held: '', stopped: false };

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
