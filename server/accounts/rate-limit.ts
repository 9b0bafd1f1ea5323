/** How often something may be tried: so many times in a window that begins with the first try. */
import { HttpError } from '../http/errors.ts';

/** Beyond so many windows the oldest are forgotten: memory is bounded whoever knocks. */
const mostWindows = 50_000;

export class RateLimit {
  readonly #windows = new Map<string, { until: number; left: number }>();
  readonly #milliseconds: number;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  /**
   * Counts a try of `key`.
   * @param limit tries in a window; 0: as many as one likes
   * @throws HttpError 429 that says when to come back
   */
  take(key: string, limit: number): void {
    if (limit === 0) return;
    const now = Date.now();
    let window = this.#windows.get(key);
    if (!window || window.until <= now) {
      this.#windows.delete(key);
      window = { until: now + this.#milliseconds, left: limit };
      this.#windows.set(key, window);
      if (this.#windows.size > mostWindows) this.#windows.delete(this.#windows.keys().next().value!);
    }
    if (window.left <= 0) {
      const seconds = Math.ceil((window.until - now) / 1000);
      throw new HttpError(429, 'rate_limit_exceeded', `Too many tries. Try again in ${seconds} s.`, {
        retryAfterSeconds: seconds,
      });
    }
    window.left--;
  }

  /** Forgets the tries of `key`: the last one was right. */
  forgive(key: string): void {
    this.#windows.delete(key);
  }
}
