import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { answerLines } from './json-lines.ts';

/** What comes out when these chunks go in. */
async function answered<T>(schema: z.ZodType<T>, answer: (value: T) => unknown, chunks: (string | Buffer)[]) {
  const input = new PassThrough();
  const output = new PassThrough();
  let text = '';
  output.on('data', (chunk) => {
    text += chunk;
  });
  for (const chunk of chunks) input.write(chunk);
  input.end();
  await answerLines(schema, answer, input, output);
  return text;
}

const length = (text: string) => text.length;

test('one line in, one line out; blank lines do not count, the last one needs no line feed', async () => {
  expect(await answered(z.string(), length, ['"a"\n\n"bcd"\r\n""'])).toBe('1\n3\n0\n');
});

test('only line feeds end a line, and characters may be cut between chunks', async () => {
  const bytes = Buffer.from('"a\u2028b"\n"水"\n');
  const cut = bytes.length - 4;
  expect(await answered(z.string(), (text) => text, [bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(
    '"a\u2028b"\n"水"\n',
  );
});

test('inputs of any size stream through a slow reader', async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `[${index}, ${index}]\n`);
  const written = await answered(z.array(z.int()), (ids) => ids[0], lines);
  expect(written.split('\n')).toHaveLength(20_001);
  expect(written.endsWith('19999\n')).toBe(true);
});

test('a bad line is named by its number, a long one cut short', async () => {
  await expect(answered(z.string(), length, ['"good"\nbad\n'])).rejects.toThrow(
    'line 2 of standard input is not JSON: bad',
  );
  await expect(answered(z.string(), length, [`[${'1,'.repeat(99)}1]`])).rejects.toThrow(
    /^line 1 of standard input: .*expected string.*…$/,
  );
});
