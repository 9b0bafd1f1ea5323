/**
 * Ctrl-C during a run: the step under way is finished, a checkpoint is written, and the same command goes on from
 * there later. A second Ctrl-C ends the process at once; the last checkpoint is kept then too.
 */

/** The run was asked to stop; everything that it needs to go on is on the disk. */
export class StoppedError extends Error {
  override name = 'StoppedError';
}

/** `npx` passes Ctrl-C on to a process that the terminal has told already: the echo is no second wish. */
const echoMilliseconds = 1000;

/** Runs `work`, raising `stop` on SIGINT or SIGTERM; the work looks at it between its steps. */
export async function interruptible<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let since = 0;
  const onSignal = () => {
    if (!controller.signal.aborted) since = performance.now();
    else if (performance.now() - since > echoMilliseconds) process.exit(130);
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Lets signals and timers in: a training step is one long synchronous call. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
