/** What a worker says to the server: the pieces of one moment, whichever answers they belong to, in one message. */
import type { FromWorker, Piece } from './protocol.ts';

export class Outbox {
  #pieces: ({ id: number } & Piece)[] = [];

  /** Goes out when the worker has done what it is doing now, with what else has come until then. */
  piece(id: number, piece: Piece): void {
    if (this.#pieces.length === 0) setImmediate(() => this.#flush());
    this.#pieces.push({ id, ...piece });
  }

  /** Goes out at once, after the pieces that came before. */
  send(message: FromWorker): void {
    this.#flush();
    // The server may have gone; 'disconnect' then ends this process.
    if (process.connected) process.send?.(message, () => {});
  }

  #flush(): void {
    if (this.#pieces.length === 0) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    this.send({ type: 'pieces', pieces });
  }
}
