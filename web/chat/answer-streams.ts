/**
 * The answers that are being written right now, at most one per conversation, kept outside React so that they
 * go on when the person looks at another conversation.
 *
 * A stream lives through these phases:
 *
 *   sending ──start──▶ streaming ──done──▶ (gone: the answer is in the query cache)
 *      │                 │   ▲
 *      │    connection   ▼   │ joined again, from the last event received
 *      │    lost      reconnecting
 *      ▼                 ▼
 *    failed ◀──────────┘             `retry` asks again, or joins what had begun
 *
 * Finished messages belong to the query cache; only the growing text lives here. Deltas are gathered and
 * published once per frame.
 */
import type { AgainRequest, Message, SendRequest, StreamEvent } from '@parley/contracts';
import type { QueryClient } from '@tanstack/react-query';
import { conversationsQuery, messagesQuery, putConversation, putMessages } from '../api/queries.ts';
import { ConnectionError, RequestError } from '../api/request.ts';
import { stopMessage, streamAttach, streamContinue, streamRegenerate, streamSend } from '../api/routes.ts';

export type AnswerAction =
  | { readonly kind: 'send'; readonly request: SendRequest }
  | { readonly kind: 'regenerate'; readonly answer: Message; readonly request: AgainRequest }
  | { readonly kind: 'continue'; readonly answer: Message; readonly request: AgainRequest }
  | { readonly kind: 'attach'; readonly answer: Message };

type AnswerPhase = 'sending' | 'streaming' | 'stopping' | 'reconnecting' | 'failed';

export interface LiveAnswer {
  readonly action: AnswerAction;
  readonly phase: AnswerPhase;
  /** The server has begun: asking again would ask twice. */
  readonly started: boolean;
  /** The answer that grows, once it is known. */
  readonly answer: Message | null;
  readonly text: string;
  /** The id of the last event received: where to join again. */
  readonly place: string | null;
  /** Why the phase is 'failed'. */
  readonly error: Error | null;
}

/** The server gave up on an answer and said why. */
export class AnswerError extends Error {
  override name = 'AnswerError';
}

const reconnectDelays = [300, 1_000, 2_000, 4_000, 8_000];

export class AnswerStreams {
  readonly #client: QueryClient;
  readonly #live = new Map<string, LiveAnswer>();
  readonly #aborts = new Map<string, AbortController>();
  readonly #listeners = new Set<() => void>();
  readonly #finishedListeners = new Set<(answer: Message) => void>();
  #publishScheduled = false;

  constructor(client: QueryClient) {
    this.#client = client;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls back with each answer that ended, whatever its status. */
  readonly onFinished = (listener: (answer: Message) => void): (() => void) => {
    this.#finishedListeners.add(listener);
    return () => this.#finishedListeners.delete(listener);
  };

  get(conversationId: string): LiveAnswer | null {
    return this.#live.get(conversationId) ?? null;
  }

  isBusy(conversationId: string): boolean {
    const live = this.get(conversationId);
    return live !== null && live.phase !== 'failed';
  }

  /** Starts an answer; does nothing while another one of the conversation is being written. */
  run(conversationId: string, action: AnswerAction): void {
    if (this.isBusy(conversationId)) return;
    const abort = new AbortController();
    this.#aborts.set(conversationId, abort);
    const answer = action.kind === 'attach' || action.kind === 'continue' ? action.answer : null;
    const text = answer?.content ?? '';
    this.#set(conversationId, { action, phase: 'sending', started: false, answer, text, place: null, error: null });
    void this.#followToTheEnd(conversationId, action, abort.signal);
  }

  /** Runs a failed action again; an answer that had begun is joined instead of asked for twice. */
  retry(conversationId: string): void {
    const live = this.get(conversationId);
    if (live?.phase !== 'failed') return;
    const joined = live.started && live.answer !== null;
    this.run(conversationId, joined ? { kind: 'attach', answer: live.answer } : live.action);
  }

  /** Forgets a failure, for instance to edit the question that could not be sent. */
  dismiss(conversationId: string): void {
    if (this.get(conversationId)?.phase === 'failed') this.#remove(conversationId);
  }

  /** Asks the server to stop; the stream then ends by itself with what was written so far. */
  stop(conversationId: string): void {
    const live = this.get(conversationId);
    if (!live || live.phase === 'failed') return;
    if (live.phase === 'reconnecting' || live.phase === 'stopping') {
      // The server is away or slow: leave the stream and show what is stored.
      if (live.answer) stopMessage(live.answer.id).catch(() => undefined);
      this.abandon(conversationId);
      this.#refetch(conversationId);
      return;
    }
    this.#set(conversationId, { ...live, phase: 'stopping' });
    if (live.answer) this.#askToStop(conversationId, live.answer.id);
  }

  /** Drops the stream without a word to the server: its conversation is gone. */
  abandon(conversationId: string): void {
    this.#aborts.get(conversationId)?.abort();
    this.#remove(conversationId);
  }

  #askToStop(conversationId: string, answerId: string): void {
    stopMessage(answerId).catch(() => {
      const live = this.get(conversationId);
      if (live?.phase === 'stopping') this.#set(conversationId, { ...live, phase: 'streaming' });
    });
  }

  #refetch(conversationId: string): void {
    void this.#client.invalidateQueries({ queryKey: messagesQuery(conversationId).queryKey });
  }

  async #followToTheEnd(conversationId: string, first: AnswerAction, signal: AbortSignal): Promise<void> {
    let action = first;
    for (let failures = 0; ; failures++) {
      const textBefore = this.get(conversationId)?.text;
      try {
        const place = this.get(conversationId)?.place ?? null;
        for await (const { event, id } of openStream(conversationId, action, place, signal)) {
          if (signal.aborted) return;
          this.#apply(conversationId, event, id);
        }
        return;
      } catch (cause) {
        if (signal.aborted) return;
        const live = this.get(conversationId);
        if (!live) return;
        const error = cause instanceof Error ? cause : new Error(String(cause));
        this.#refetch(conversationId);
        if (action.kind === 'attach' && error instanceof RequestError) {
          // Nothing is being written there any more: the stored answer is the whole story.
          this.#remove(conversationId);
          return;
        }
        if (live.text !== textBefore) failures = 0;
        const delay = reconnectDelays[failures];
        const joinable = live.answer !== null && (live.started || action.kind === 'attach');
        if (!joinable || !(error instanceof ConnectionError) || delay === undefined) {
          this.#set(conversationId, { ...live, phase: 'failed', error });
          return;
        }
        this.#set(conversationId, { ...live, phase: 'reconnecting' });
        await new Promise((resolve) => setTimeout(resolve, delay));
        if (signal.aborted) return;
        action = { kind: 'attach', answer: live.answer };
      }
    }
  }

  #apply(conversationId: string, event: StreamEvent, place: string | null): void {
    const live = this.get(conversationId);
    if (!live) return;
    switch (event.type) {
      case 'start': {
        const { question, answer } = event;
        putMessages(this.#client, conversationId, question ? [question, answer] : [answer]);
        // A stop that was asked for before the server had named the answer is passed on now.
        const phase = live.phase === 'stopping' ? 'stopping' : 'streaming';
        this.#set(conversationId, { ...live, phase, started: true, answer, text: answer.content, place });
        if (phase === 'stopping') this.#askToStop(conversationId, answer.id);
        break;
      }
      case 'delta':
        this.#live.set(conversationId, {
          ...live,
          phase: live.phase === 'stopping' ? 'stopping' : 'streaming',
          text: live.text + event.text,
          place,
        });
        this.#publishSoon();
        break;
      case 'title':
        putConversation(this.#client, event.conversation);
        break;
      case 'done':
        putMessages(this.#client, conversationId, [event.answer]);
        this.#remove(conversationId);
        void this.#client.invalidateQueries({ queryKey: conversationsQuery.queryKey });
        for (const listener of this.#finishedListeners) listener(event.answer);
        break;
      case 'error':
        this.#set(conversationId, { ...live, phase: 'failed', error: new AnswerError(event.message) });
        this.#refetch(conversationId);
        break;
    }
  }

  #set(conversationId: string, live: LiveAnswer): void {
    this.#live.set(conversationId, live);
    this.#publish();
  }

  #remove(conversationId: string): void {
    this.#live.delete(conversationId);
    this.#publish();
  }

  #publish(): void {
    for (const listener of this.#listeners) listener();
  }

  #publishSoon(): void {
    if (this.#publishScheduled) return;
    this.#publishScheduled = true;
    const publish = () => {
      this.#publishScheduled = false;
      this.#publish();
    };
    // A hidden tab draws no frames, but its text should be there when the person comes back.
    if (document.visibilityState === 'visible') requestAnimationFrame(publish);
    else setTimeout(publish, 250);
  }
}

function openStream(conversationId: string, action: AnswerAction, place: string | null, signal: AbortSignal) {
  switch (action.kind) {
    case 'send':
      return streamSend(conversationId, action.request, signal);
    case 'regenerate':
      return streamRegenerate(action.answer.id, action.request, signal);
    case 'continue':
      return streamContinue(action.answer.id, action.request, signal);
    case 'attach':
      return streamAttach(action.answer.id, place, signal);
  }
}
