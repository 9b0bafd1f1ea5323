/**
 * What a user sees when something goes wrong: one line that says what, where and how to mend it.
 * PARLEY_DEBUG=1 adds the stack.
 */
import { StoppedError } from '@parley/recipes/interruption';

/** A mistake in how the command was typed: exit code 2, as commander's own. */
export class UsageError extends Error {
  override name = 'UsageError';
}

const systemMessages: Record<string, (error: NodeJS.ErrnoException) => string> = {
  ENOENT: (error) => `there is no file or folder ${error.path ?? ''}; check the path`,
  EACCES: (error) => `no permission for ${error.path ?? 'a file'}; check its owner and mode`,
  EPERM: (error) => `no permission for ${error.path ?? 'a file'}; check its owner and mode`,
  EISDIR: (error) => `${error.path ?? 'the path'} is a folder where a file was expected`,
  ENOTDIR: (error) => `${error.path ?? 'the path'} is a file where a folder was expected`,
  ENOSPC: (error) =>
    `the disk is full${error.path ? ` at ${error.path}` : ''}; free some space and run the same command again, nothing saved is lost`,
  EROFS: (error) => `${error.path ?? 'the target'} is on a read-only file system; choose another folder`,
  EMFILE: () => 'too many open files; raise the limit with `ulimit -n 4096`',
};

/** The line to show for an error. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  // Only what the system itself raised: our own errors carry better words than their cause's code.
  const system = code && 'syscall' in error ? systemMessages[code] : undefined;
  return (system ? system(error) : error.message).replace(/\s*\n\s*/g, '; ');
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof StoppedError) return 130;
  return 1;
}
