/** Wakes those who wait for something to change. Waiting costs one promise, however many wait. */
export class Changes {
  #next: Promise<void> | null = null;
  #resolve = () => {};

  /** Wakes everybody who waits now. */
  happened(): void {
    this.#next = null;
    this.#resolve();
  }

  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#next;
  }

  /** Wakes everybody when the signal fires as well; they look at it themselves. Returns what ends that. */
  wakeOn(signal: AbortSignal | undefined): () => void {
    const wake = () => this.happened();
    signal?.addEventListener('abort', wake, { once: true });
    return () => signal?.removeEventListener('abort', wake);
  }
}
