/** An answer in the making, as the HTTP process sees it. */
import type { FinishReason } from '@parley/contracts';
import { Changes } from './changes.ts';
import type { Accepted, Piece, RefusalCode } from './protocol.ts';

/** The worker will not take a job, or failed at it. */
export class RefusedError extends Error {
  override name = 'RefusedError';
  readonly code: RefusalCode;
  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The worker died, or the server is stopping, while the answer was being written. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/**
 * Pieces collect here as the worker draws them, and one reader takes them at its own pace: the worker never waits for
 * it. An answer is at most one context long, which bounds what is held.
 */
export class Generation {
  /** Settles when the worker has taken the prompt, before the first token. */
  readonly accepted: Promise<Accepted>;
  /** Those that nobody has read yet. */
  #pieces: Piece[] = [];
  readonly #changes = new Changes();
  readonly #acceptance = promiseWithResolvers<Accepted>();
  readonly #cancel: () => void;
  #drawnTokens = 0;
  #outcome: { reason: FinishReason } | { error: Error } | null = null;

  constructor(cancel: () => void) {
    this.#cancel = cancel;
    this.accepted = this.#acceptance.promise;
    // A reader that comes later still gets the error; nobody reading is no crash.
    this.accepted.catch(() => {});
  }

  /** Tokens of the answer so far, those of a stop string included. */
  get drawnTokens(): number {
    return this.#drawnTokens;
  }

  /** Frees the slot within one token; the answer then finishes as 'cancelled'. */
  cancel(): void {
    if (this.#outcome === null) this.#cancel();
  }

  /**
   * Everything from the first piece on, as it comes: each turn gives all pieces since the last one. What was read is
   * not kept, so there can be one reader.
   * Returns how the answer ended.
   * @throws RefusedError, InterruptedError; AbortError when the signal fires
   */
  async *read(signal?: AbortSignal): AsyncGenerator<Piece, FinishReason, void> {
    const unwatch = this.#changes.wakeOn(signal);
    try {
      while (true) {
        signal?.throwIfAborted();
        if (this.#pieces.length > 0) {
          const fresh = this.#pieces;
          this.#pieces = [];
          yield fresh.length === 1 ? fresh[0]! : joined(fresh);
        } else if (this.#outcome === null) {
          await this.#changes.next();
        } else if ('error' in this.#outcome) {
          throw this.#outcome.error;
        } else {
          return this.#outcome.reason;
        }
      }
    } finally {
      unwatch();
    }
  }

  /** Resolves when no more comes, whether or not anybody has read it. */
  async ended(): Promise<void> {
    while (this.#outcome === null) await this.#changes.next();
  }

  accept(accepted: Accepted): void {
    this.#acceptance.resolve(accepted);
  }

  append(piece: Piece): void {
    this.#pieces.push(piece);
    this.#drawnTokens += piece.tokens.length;
    this.#changes.happened();
  }

  finish(reason: FinishReason): void {
    this.#end({ reason });
  }

  fail(error: Error): void {
    this.#acceptance.reject(error);
    this.#end({ error });
  }

  #end(outcome: { reason: FinishReason } | { error: Error }): void {
    this.#outcome ??= outcome;
    this.#acceptance.reject(new InterruptedError('The answer was cancelled before the model took it.'));
    this.#changes.happened();
  }
}

function joined(pieces: readonly Piece[]): Piece {
  return { text: pieces.map(({ text }) => text).join(''), tokens: pieces.flatMap(({ tokens }) => tokens) };
}

/** `Promise.withResolvers`, which Node 20 has not. */
function promiseWithResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
