import { PassThrough } from 'node:stream';
import { type Manifest, samplingSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { deriveArchitecture, Llama } from '@parley/lm/models';
import { trainTokenizer } from '@parley/lm/tokenizer';
import { expect, test } from 'vitest';
import { TerminalChat } from './terminal-chat.ts';

const tokenizer = trainTokenizer({ texts: ['hello hello how are you'], vocabulary: 263 });
const shape = { depth: 1, width: 16, heads: 2, keyValueHeads: 2, intermediate: 32, context: 96 };
const { config } = deriveArchitecture(shape, tokenizer.vocabulary);
const model = new Llama(config, new Random(5));
const manifest = { name: 'babbler' } as Manifest;

/** Everything that a chat writes when these lines are typed; `onOutput` sees it come. */
async function chat(lines: string[], maxTokens: number, onOutput: (text: string) => void = () => {}): Promise<string> {
  const input = new PassThrough();
  const output = new PassThrough();
  let written = '';
  output.on('data', (chunk) => {
    written += chunk;
    onOutput(String(chunk));
  });
  const sampling = samplingSchema.parse({ maxTokens, seed: 1, topK: 40 });
  const running = new TerminalChat({ model, tokenizer, manifest }, { sampling }, input, output).run();
  input.end(lines.map((line) => `${line}\n`).join(''));
  await running;
  return written;
}

test('answers, continues and starts over; the same seed chats the same', async () => {
  const lines = ['hello', '/continue', '/new', '/continue', 'hello', '/exit'];
  const written = await chat(lines, 4);
  expect(written).toContain('babbler, 96 tokens of context');
  expect(written.split('/continue goes on)')).toHaveLength(4);
  expect(written).toContain('a new conversation\n');
  expect(written).toContain('there is no answer to continue');
  expect(await chat(lines, 4)).toBe(written);
});

test('old turns drop out when the context is full, and it says so', async () => {
  const written = await chat(['how are you hello', 'hello how are you', 'you are hello', '/exit'], 12);
  expect(written).toMatch(/the oldest \d+ messages no longer fit and were left out/);
});

test('a message that is too long is refused and the chat goes on', async () => {
  const written = await chat(['x'.repeat(300), 'hello', '/exit'], 4);
  expect(written).toMatch(/maximum context length is 96 tokens/);
  expect(written).toContain('/continue goes on)');
});

test('an unknown command is named', async () => {
  expect(await chat(['/quit', '/exit'], 4)).toContain('there is no command /quit; /continue goes on');
});

test('Ctrl-C stops the answer at its next token, and the chat goes on', async () => {
  let chunks = 0;
  // The greeting, the prompt and then the first piece of the answer.
  const written = await chat(['hello', '/new'], 90, () => {
    if (++chunks === 3) process.emit('SIGINT');
  });
  expect(written).toContain(' … (stopped; /continue goes on)');
  expect(written).toContain('a new conversation');
});
