/**
 * Reads one file and ends: `read-file.ts PATH LONGEST` sends what it found over IPC. A process of its own, because a file from
 * anywhere may take all the memory or time there is, and the libraries that read it do not ask first.
 */
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { storableText } from '../db/text.ts';
import { textOf, UnreadableError } from './extract.ts';
import type { FileText } from './file-reader.ts';

const largestMemoryBytes = 700_000_000;

// A thread of its own sees the memory grow also while this one is busy. Its program is a text, so that it starts at once.
new Worker(
  `const look = () => process.memoryUsage.rss() > ${largestMemoryBytes} && process.kill(process.pid, 'SIGKILL');
   setInterval(look, 10);`,
  { eval: true, execArgv: [] },
).unref();

async function read(path: string, longest: number): Promise<FileText> {
  try {
    const text = storableText(await textOf(readFileSync(path)));
    return { text: text.slice(0, longest), cut: text.length > longest };
  } catch (error) {
    return { problem: error instanceof UnreadableError ? error.problem : 'damaged' };
  }
}

const [path, longest] = process.argv.slice(2) as [string, string];
process.send!(await read(path, Number(longest)), () => process.exit(0));
