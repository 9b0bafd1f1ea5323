/** JSON lines on standard input and output, one value a line, with back-pressure: inputs of any size stream through. */
import { once } from 'node:events';
import type { z } from 'zod';
import { UsageError } from './errors.ts';

/** Lines are gathered into writes of about this many characters. */
const writeSize = 1 << 16;

/**
 * Answers every line of `input` that is not blank with one line of JSON. Throws UsageError naming the line
 * number of the first line that is no JSON or not what `schema` wants.
 */
export async function answerLines<T>(
  schema: z.ZodType<T>,
  answer: (value: T) => unknown,
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
): Promise<void> {
  let pending = '';
  const flush = async () => {
    const text = pending;
    pending = '';
    if (!output.write(text)) await once(output, 'drain');
  };
  let number = 0;
  for await (const line of linesOf(input)) {
    number++;
    if (line.trim() === '') continue;
    pending += `${JSON.stringify(answer(parseLine(line, number, schema)))}\n`;
    if (pending.length >= writeSize) await flush();
  }
  await flush();
}

/** Splits at line feeds alone: node:readline would also cut at U+2028, which JSON strings may hold. */
async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  input.setEncoding('utf8');
  let rest = '';
  for await (const chunk of input) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function parseLine<T>(line: string, number: number, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(`line ${number} of standard input is not JSON: ${excerpt(line)}`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UsageError(`line ${number} of standard input: ${result.error.issues[0]?.message}: ${excerpt(line)}`);
}

const excerpt = (line: string): string => (line.length > 60 ? `${line.slice(0, 60)}…` : line);
