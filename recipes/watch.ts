/** Between a recipe and whoever watches it run: what it says, and how it hears that it should stop. */

export interface Watch {
  /** A line that stays. */
  say(line: string): void;
  /** A line that the next one may replace. */
  progress(line: string): void;
  /**
   * Runs `work` while a wish to stop (Ctrl-C) raises `stop` instead of ending the process. The work looks at
   * the signal between its steps, saves itself and throws StoppedError.
   */
  interruptible<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T>;
}

/** The recipe was asked to stop, and everything needed to go on is on the disk. */
export class StoppedError extends Error {
  override name = 'StoppedError';
}

/** Says nothing and never stops: for recipes run as a library. */
export const silentWatch: Watch = {
  say: () => {},
  progress: () => {},
  interruptible: (work) => work(new AbortController().signal),
};

/** `90` → '1:30'; `4000` → '1:06:40'. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}
