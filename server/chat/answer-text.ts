/**
 * A text that grows by small pieces and is read at its end. What readers and the log ask for is what came last, which
 * costs as much as it is long: never the whole text, however long that has become.
 */

/** Pieces are put together when there are so many characters of them: small strings take more room than their text. */
const settledLength = 1_000;

export class AnswerText {
  /** UTF-16 units. */
  length = 0;
  readonly #settled: string[] = [];
  #recent: string[] = [];
  #recentLength = 0;

  constructor(text: string) {
    this.append(text);
  }

  append(piece: string): void {
    if (piece === '') return;
    this.length += piece.length;
    this.#recent.push(piece);
    this.#recentLength += piece.length;
    if (this.#recentLength < settledLength) return;
    this.#settled.push(this.#recent.join(''));
    this.#recent = [];
    this.#recentLength = 0;
  }

  /** What there is after the first `position` characters. */
  from(position: number): string {
    const wanted = this.length - position;
    if (wanted <= 0) return '';
    const last: string[] = [];
    let found = 0;
    for (const pieces of [this.#recent, this.#settled]) {
      for (let at = pieces.length - 1; at >= 0 && found < wanted; at--) {
        last.push(pieces[at]!);
        found += pieces[at]!.length;
      }
    }
    const text = last.length === 1 ? last[0]! : last.reverse().join('');
    return found === wanted ? text : text.slice(found - wanted);
  }

  toString(): string {
    return this.from(0);
  }
}
