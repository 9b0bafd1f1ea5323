/** Has files read, one after another, each by a process of its own with a limit on time and memory. */
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type FileProblem, longestFileText } from '@parley/contracts';

const require = createRequire(import.meta.url);
const longestMilliseconds = 60_000;

export type FileText = { text: string; cut: boolean } | { problem: FileProblem };

export class FileReader {
  #last: Promise<unknown> = Promise.resolve();
  readonly #closed = new AbortController();

  read(path: string): Promise<FileText> {
    const result = this.#last.then(() => readFile(path, this.#closed.signal));
    this.#last = result;
    return result;
  }

  /** What is being read, or waits for it, ends as 'interrupted'. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#last;
  }
}

function readFile(path: string, closed: AbortSignal): Promise<FileText> {
  if (closed.aborted) return Promise.resolve({ problem: 'interrupted' });
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, 'read-file.ts'), [path, String(longestFileText)], {
      execArgv: ['--max-old-space-size=400', '--import', pathToFileURL(require.resolve('tsx')).href],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    let result: FileText | null = null;
    // Answers are more urgent than files.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const end = (problem: FileProblem) => {
      result ??= { problem };
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end('too_slow'), longestMilliseconds);
    const interrupt = () => end('interrupted');
    closed.addEventListener('abort', interrupt);
    child.on('message', (message: FileText) => {
      result ??= message;
    });
    child.on('error', () => end('damaged'));
    child.once('exit', () => {
      clearTimeout(timer);
      closed.removeEventListener('abort', interrupt);
      // It ended without a word: the memory was used up.
      resolve(result ?? { problem: 'too_large' });
    });
  });
}
