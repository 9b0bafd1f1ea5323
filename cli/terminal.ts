/** How a recipe shows on a terminal: lines and one progress line on standard error, Ctrl-C as a polite wish. */
import type { Watch } from '@parley/recipes/watch';

/** Without a terminal (a log file, the server), progress comes as a line this often. */
const logInterval = 10_000;

export class Terminal implements Watch {
  private readonly stream: NodeJS.WriteStream;
  private open = false;
  private lastLogged = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.stream = stream;
  }

  say(line: string): void {
    this.endProgress();
    this.stream.write(`${line}\n`);
  }

  progress(line: string): void {
    if (this.stream.isTTY) {
      this.stream.write(`\r\x1b[2K${line.slice(0, this.stream.columns - 1)}`);
      this.open = true;
      return;
    }
    if (Date.now() - this.lastLogged < logInterval) return;
    this.lastLogged = Date.now();
    this.stream.write(`${line}\n`);
  }

  /** Leaves the progress line as it stands. */
  endProgress(): void {
    if (this.open) this.stream.write('\n');
    this.open = false;
  }

  async interruptible<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const onSignal = () => {
      if (controller.signal.aborted) process.exit(130);
      this.say('stopping after this step; once more to stop at once (the last checkpoint is kept)');
      controller.abort();
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
    try {
      return await work(controller.signal);
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      this.endProgress();
    }
  }
}
