/** Raw completions and embeddings as the official client sees them, with a real model behind them. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, readEvents, startTestServer, type TestServer } from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startTestServer({ slots: 4 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => server.close());

const prompt = 'The quick brown fox 🦊 jumps';
const base = { model: tinyModelName, prompt, max_tokens: 40, seed: 7 };
const complete = (body: Partial<OpenAI.CompletionCreateParamsNonStreaming>) =>
  client.completions.create({ ...base, ...body, stream: false });

describe('completions', () => {
  test('streamed and whole are the same, with the keys that clients read', async () => {
    const whole = await complete({});
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      model: tinyModelName,
      choices: [{ index: 0, logprobs: null, finish_reason: 'length' }],
      usage: { completion_tokens: 40 },
    });
    const stream = await client.completions.create({ ...base, stream: true, stream_options: { include_usage: true } });
    const chunks = await collect(stream);
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(whole.choices[0]!.text);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks.at(-2)!.choices).toMatchObject([{ text: '', finish_reason: 'length' }]);
    for (const chunk of chunks.slice(0, -2)) {
      expect(chunk.choices[0]!.finish_reason).toBeNull();
      expect(chunk.usage).toBeNull();
    }
  });

  test('an echo brings the prompt, its scores with it, also where nothing is to be written', async () => {
    const written = (await complete({ logprobs: 2, temperature: 0 })).choices[0]!;
    const echoed = (await complete({ logprobs: 2, temperature: 0, echo: true })).choices[0]!;
    expect(echoed.text).toBe(prompt + written.text);
    const { tokens, token_logprobs: scores, top_logprobs: top, text_offset: offsets } = echoed.logprobs!;
    expect(tokens!.slice(-written.logprobs!.tokens!.length)).toEqual(written.logprobs!.tokens);
    expect(scores![0]).toBeNull();
    for (const score of scores!.slice(1)) expect(score).toBeLessThanOrEqual(0);
    expect(Object.keys(top!.at(-1)!)).toHaveLength(2);
    for (const [index, token] of tokens!.entries()) {
      if (!token.startsWith('bytes:')) expect(echoed.text.slice(offsets![index]!)).toMatch(startingWith(token));
    }
    // What was written, read again, has the scores that it had.
    const scored = (await complete({ prompt: echoed.text, max_tokens: 0, echo: true, logprobs: 0 })).choices[0]!;
    expect(scored).toMatchObject({ text: echoed.text, finish_reason: 'length' });
    const again = scored.logprobs!.token_logprobs!;
    expect(again).toHaveLength(scores!.length);
    for (const [index, score] of scores!.entries()) {
      if (score !== null) expect(again[index]!).toBeCloseTo(score, 1);
    }
  });

  test('several prompts, as text or as tokens, have their choices in a row', async () => {
    const prompts = ['The quick', 'Voilà: naïve'];
    const both = await complete({ prompt: prompts, n: 2, echo: true });
    expect(both.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    for (const [index, { text }] of both.choices.entries()) {
      expect(text.startsWith(prompts[Math.floor(index / 2)]!)).toBe(true);
    }
    const single = await complete({ prompt: prompts[1], seed: 8 });
    expect(both.choices[3]!.text).toBe(prompts[1] + single.choices[0]!.text);
    expect(both.usage!.completion_tokens).toBe(160);
    const tokens = await complete({ prompt: [[70, 71], [72]], echo: true, max_tokens: 1 });
    expect(tokens.choices).toHaveLength(2);
    expect(tokens.usage!.prompt_tokens).toBe(3);
  });

  test('special tokens in a prompt are read as such', async () => {
    const plain = await complete({ prompt: '<|im_start|', max_tokens: 1 });
    const special = await complete({ prompt: '<|im_start|>', max_tokens: 1 });
    expect(plain.usage!.prompt_tokens).toBeGreaterThan(1);
    expect(special.usage!.prompt_tokens).toBe(1);
    expect((await complete({ prompt: '', max_tokens: 1 })).usage!.prompt_tokens).toBe(1);
  });

  test('a stop string ends the text', async () => {
    const { text } = (await complete({})).choices[0]!;
    const stop = Array.from(text).slice(10, 14).join('');
    const stopped = (await complete({ stop })).choices[0]!;
    expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' });
  });

  test('biases and penalties change what is drawn', async () => {
    const { logprobs } = (await complete({ prompt: 'x', max_tokens: 0, echo: true, logprobs: 0 })).choices[0]!;
    expect(logprobs!.tokens).toEqual(['x']);
    const id = 100;
    const forced = await complete({ logit_bias: { [id]: 100 }, logprobs: 0 });
    expect(new Set(forced.choices[0]!.logprobs!.tokens).size).toBe(1);
    const varied = await complete({ frequency_penalty: 2, presence_penalty: 2, temperature: 0, logprobs: 0 });
    const repeated = await complete({ frequency_penalty: -2, temperature: 0, logprobs: 0 });
    const distinct = ({ choices }: OpenAI.Completion) => new Set(choices[0]!.logprobs!.tokens).size;
    expect(distinct(varied)).toBeGreaterThan(distinct(repeated));
  });

  test.each([
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ suffix: 'x' }, 'suffix'],
    [{ best_of: 3 }, 'best_of'],
    [{ logprobs: 21 }, 'logprobs'],
    [{ logit_bias: { x: 1 } }, 'logit_bias.x'],
    [{ logit_bias: { 999999: 1 } }, 'logit_bias'],
    [{ prompt: [999999] }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: new Array(33).fill('x') }, 'prompt'],
    [{ prompt: 'x '.repeat(tinyModelContext) }, 'prompt'],
  ])('%j is refused by name', async (body, param) => {
    await expect(complete(body as object)).rejects.toMatchObject({ status: 400, type: 'invalid_request_error', param });
  });

  test('leaving frees the slot', async () => {
    const left = await client.completions.create({ ...base, max_tokens: tinyModelContext, stream: true });
    for await (const _ of left) break;
    await server.idle();
  });

  test('the stream ends with [DONE]', async () => {
    const response = await server.fetch('/v1/completions', {
      body: { ...base, stream: true, echo: true, logprobs: 1 },
    });
    const data = await collect(readEvents(response));
    expect(data.at(-1)).toBe('[DONE]');
    expect(JSON.parse(data[0]!).choices[0]).toMatchObject({ text: prompt, finish_reason: null });
    expect(JSON.parse(data[0]!)).not.toHaveProperty('usage');
  });
});

describe('embeddings', () => {
  const model = tinyModelName;

  test('are unit vectors, the same as numbers and as the bytes that the client asks for', async () => {
    const input = ['The quick brown fox', '今天天气很好', 'The quick brown fox'];
    // The client asks for base64 and decodes it, unless told otherwise.
    const packed = await client.embeddings.create({ model, input });
    const plain = await client.embeddings.create({ model, input, encoding_format: 'float' });
    expect(packed).toMatchObject({ object: 'list', model, usage: plain.usage });
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const [index, { embedding }] of packed.data.entries()) {
      expect(embedding).toHaveLength(64);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
      expect(embedding).toEqual(plain.data[index]!.embedding.map(Math.fround));
    }
    expect(plain.data[0]!.embedding).toEqual(plain.data[2]!.embedding);
    expect(plain.data[0]!.embedding).not.toEqual(plain.data[1]!.embedding);
    const raw = await server.json<{ data: { embedding: unknown }[] }>('/v1/embeddings', {
      body: { model, input: input[0], encoding_format: 'base64' },
    });
    expect(raw.data[0]!.embedding).toBeTypeOf('string');
  });

  test('of tokens, and of more texts than are read at once', async () => {
    const texts = Array.from({ length: 70 }, (_, index) => `text ${index}`);
    const all = await client.embeddings.create({ model, input: texts });
    const last = await client.embeddings.create({ model, input: texts[69]! });
    expect(all.data).toHaveLength(70);
    expect(all.data[69]!.embedding).toEqual(last.data[0]!.embedding);
    expect((await client.embeddings.create({ model, input: [5, 6, 7] })).usage.total_tokens).toBe(3);
  });

  test.each([
    [{ input: '' }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [999999] }, 'input'],
    [{ input: 'x '.repeat(tinyModelContext) }, 'input'],
    [{ input: 'x', dimensions: 5 }, 'dimensions'],
    [{ input: 'x', encoding_format: 'int8' }, 'encoding_format'],
  ])('%j is refused by name', async (body, param) => {
    await expect(client.embeddings.create({ model, ...body } as never)).rejects.toMatchObject({ status: 400, param });
  });
});

const startingWith = (text: string) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
