/**
 * Token ids → the text that may be shown.
 *
 * Two things hold text back: a character whose bytes have not all come (the decoder keeps those), and an ending that
 * could grow into a stop string. What has been released is never taken back, and a stop string is never shown, not
 * even its first letters.
 */
import type { Tokenizer } from '../tokenizer/index.ts';

export class AnswerText {
  /** All that was released. */
  text = '';
  /** Whether a stop string has come; the answer is over. */
  stopped = false;
  readonly #stops: readonly string[];
  readonly #decoder: ReturnType<Tokenizer['streamDecoder']>;
  #held = '';

  constructor(tokenizer: Tokenizer, stops: readonly string[]) {
    this.#stops = stops;
    this.#decoder = tokenizer.streamDecoder();
  }

  /** Takes the tokens of an answer to go on from: what they began, the next tokens complete. */
  goOnFrom(ids: readonly number[]): void {
    for (const id of ids) this.#decoder.push(id);
  }

  /** Takes a token; returns the text that it releases, '' while it is held back. */
  push(id: number): string {
    return this.#take(this.#decoder.push(id));
  }

  /**
   * Releases the rest.
   * @param whole the model ended here by itself. Otherwise an unfinished character at the end is left out rather
   *   than shown as U+FFFD: an answer that is continued completes it
   */
  end(whole: boolean): string {
    const tail = this.#decoder.end();
    const released = this.stopped ? '' : this.#take(whole ? tail : '');
    if (this.stopped) return released;
    const rest = this.#held;
    this.#held = '';
    this.text += rest;
    return released + rest;
  }

  #take(piece: string): string {
    this.#held += piece;
    const found = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    this.stopped = found.length > 0;
    const release = this.stopped ? Math.min(...found) : this.#held.length - this.#couldBecomeStop();
    const released = this.#held.slice(0, release);
    this.#held = this.stopped ? '' : this.#held.slice(release);
    this.text += released;
    return released;
  }

  /** Length of the longest ending that is the beginning of a stop string. */
  #couldBecomeStop(): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > longest; length--) {
        if (this.#held.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
