/**
 * One line on standard error that says how a run goes:
 *
 *     pretrain  1200/3800  loss 3.214  18.4k tokens/s  12:31 left
 *
 * On a terminal the line rewrites itself; in a log it comes every few seconds, so that a log stays short.
 */

export interface ProgressUpdate {
  /** Steps done. */
  step: number;
  /** Nats per token. */
  loss?: number;
  tokensPerSecond?: number;
}

const terminalInterval = 100;
const logInterval = 10_000;

/** Where lines go: standard error, or what a test gives. */
interface Output {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #stage: string;
  readonly #steps: number;
  readonly #quiet: boolean;
  readonly #output: Output;
  readonly #now: () => number;
  #first: { step: number; time: number } | null = null;
  #lastShown = Number.NEGATIVE_INFINITY;
  #lineOpen = false;

  /** @param steps steps of the whole run */
  constructor(
    stage: string,
    steps: number,
    {
      quiet = false,
      output = process.stderr as Output,
      now = Date.now,
    }: { quiet?: boolean; output?: Output; now?: () => number } = {},
  ) {
    this.#stage = stage;
    this.#steps = steps;
    this.#quiet = quiet;
    this.#output = output;
    this.#now = now;
  }

  /** Tells how far the run is; shown at most ten times a second on a terminal, every ten seconds in a log. */
  update(update: ProgressUpdate): void {
    if (this.#quiet) return;
    const time = this.#now();
    this.#first ??= { step: update.step, time };
    const interval = this.#output.isTTY ? terminalInterval : logInterval;
    if (time - this.#lastShown < interval && update.step < this.#steps) return;
    this.#lastShown = time;
    this.#show(this.#format(update, time));
  }

  /** A line that stays, e.g. a validation loss. */
  note(text: string): void {
    if (this.#quiet) return;
    this.#endLine();
    this.#output.write(`${this.#stage}  ${text}\n`);
  }

  /** Ends the rewritten line, so that what follows starts on its own. */
  end(): void {
    this.#endLine();
  }

  #format({ step, loss, tokensPerSecond }: ProgressUpdate, time: number): string {
    const parts = [this.#stage, `${step}/${this.#steps}`];
    if (loss !== undefined) parts.push(`loss ${loss.toFixed(3)}`);
    if (tokensPerSecond !== undefined) parts.push(`${formatRate(tokensPerSecond)} tokens/s`);
    const { step: firstStep, time: firstTime } = this.#first!;
    if (step > firstStep)
      parts.push(`${formatDuration(((time - firstTime) / (step - firstStep)) * (this.#steps - step))} left`);
    return parts.join('  ');
  }

  #show(line: string): void {
    if (!this.#output.isTTY) {
      this.#output.write(`${line}\n`);
      return;
    }
    // A line longer than the terminal would wrap and could not be rewritten.
    this.#output.write(`\r\x1b[2K${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    this.#lineOpen = true;
  }

  #endLine(): void {
    if (this.#lineOpen) this.#output.write('\n');
    this.#lineOpen = false;
  }
}

function formatRate(rate: number): string {
  return rate >= 1000 ? `${(rate / 1000).toFixed(1)}k` : rate.toFixed(0);
}

/** Milliseconds as 0:07, 12:31 or 1:02:03. */
function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
