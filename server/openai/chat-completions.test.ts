/** The API as the official client and a bare socket see it, with a real model behind it. */
import OpenAI, { type APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, readEvents, startTestServer, type TestServer, until } from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startTestServer({ slots: 4 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => server.close());

const messages = [{ role: 'user' as const, content: 'hello 你好' }];
const base = { model: tinyModelName, messages, max_tokens: 40, seed: 7 };

describe('answers', () => {
  test('streamed and whole are the same, and the seed decides', async () => {
    const texts = new Set<string>();
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const whole = await client.chat.completions.create({ ...base, seed });
      const stream = client.chat.completions.stream({ ...base, seed });
      const streamed = await stream.finalChatCompletion();
      expect(streamed.choices[0]!.message.content).toBe(whole.choices[0]!.message.content);
      expect(streamed.choices[0]!.finish_reason).toBe('length');
      expect(streamed.system_fingerprint).toBe(whole.system_fingerprint);
      texts.add(whole.choices[0]!.message.content!);
    }
    expect(texts.size).toBeGreaterThan(1);
  });

  test('a whole answer has the keys that clients read', async () => {
    const { data, response } = await client.chat.completions.create(base).withResponse();
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    expect(data).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-/),
      object: 'chat.completion',
      model: tinyModelName,
      choices: [{ index: 0, message: { role: 'assistant', refusal: null }, logprobs: null, finish_reason: 'length' }],
    });
    expect(data.usage!.completion_tokens).toBe(40);
    expect(data.usage!.total_tokens).toBe(data.usage!.prompt_tokens + 40);
    expect(Math.abs(data.created - Date.now() / 1000)).toBeLessThan(30);
  });

  test('n choices are those of n seeds in a row', async () => {
    const many = await client.chat.completions.create({ ...base, n: 3 });
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    const single = await Promise.all(
      [7, 8, 9].map(async (seed) => (await client.chat.completions.create({ ...base, seed })).choices[0]!),
    );
    expect(many.choices.map(({ message }) => message.content)).toEqual(single.map(({ message }) => message.content));
    expect(many.usage!.completion_tokens).toBe(120);
    const streamed = await client.chat.completions.stream({ ...base, n: 3 }).finalChatCompletion();
    expect(streamed.choices.map(({ message }) => message.content)).toEqual(
      many.choices.map(({ message }) => message.content),
    );
  });

  test('system and developer, strings and text parts are the same prompt', async () => {
    const ask = async (role: 'system' | 'developer', content: string | { type: 'text'; text: string }[]) =>
      client.chat.completions.create({
        ...base,
        messages: [{ role, content: 'Be brief.' }, { role: 'user', content } as OpenAI.ChatCompletionUserMessageParam],
      });
    const plain = await ask('system', 'one\ntwo');
    const parts = await ask('developer', [
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ]);
    expect(parts.usage).toEqual(plain.usage);
    expect(parts.choices[0]!.message.content).toBe(plain.choices[0]!.message.content);
  });

  test('a stop string ends the answer and is never shown, streamed or whole', async () => {
    const full = (await client.chat.completions.create({ ...base, max_tokens: 120 })).choices[0]!.message.content!;
    const characters = Array.from(full);
    for (const stop of [characters.slice(30, 36).join(''), characters[25]!, characters.slice(40, 60).join('')]) {
      const expected = full.slice(0, full.indexOf(stop));
      const whole = await client.chat.completions.create({ ...base, max_tokens: 120, stop: [stop, 'never there'] });
      expect(whole.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expected } });
      const streamed = client.chat.completions.stream({ ...base, max_tokens: 120, stop });
      // The client says null of an answer that is empty.
      expect((await streamed.finalChatCompletion()).choices[0]!.message.content ?? '').toBe(expected);
    }
  });

  test('characters of several tokens arrive whole', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const stream = await client.chat.completions.create({
        ...base,
        max_tokens: 100,
        temperature: 0.3,
        seed,
        stream: true,
      });
      const deltas = (await collect(stream)).map((chunk) => chunk.choices[0]!.delta.content ?? '');
      for (const delta of deltas) {
        expect(delta).not.toContain('\ufffd');
        expect(delta).not.toMatch(/\p{Surrogate}/u);
      }
      expect(deltas.join('')).toMatch(/[\u4e00-\u9fff\u{1f300}-\u{1faff}]/u);
    }
  });

  test('log-probabilities spell the content in bytes', async () => {
    const asked = { ...base, max_tokens: 60, logprobs: true, top_logprobs: 3 };
    const whole = (await client.chat.completions.create(asked)).choices[0]!;
    const content = whole.logprobs!.content!;
    const text = Buffer.from(content.flatMap(({ bytes }) => bytes!)).toString();
    expect(text.replace(/\ufffd+$/, '')).toBe(whole.message.content);
    for (const { token, bytes, logprob, top_logprobs: top } of content) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(3);
      expect(top.map((one) => one.logprob)).toEqual(top.map((one) => one.logprob).sort((a, b) => b - a));
      const decoded = Buffer.from(bytes!).toString();
      expect(token).toBe(decoded.includes('\ufffd') ? token : decoded);
      if (decoded.includes('\ufffd')) expect(token).toMatch(/^bytes:(\\x[0-9a-f]{2})+$/);
    }
    const stream = client.chat.completions.stream(asked);
    expect((await stream.finalChatCompletion()).choices[0]!.logprobs!.content).toEqual(content);
  });
});

describe('the stream on the wire', () => {
  const raw = (body: object) =>
    server.fetch('/v1/chat/completions', {
      body: { ...base, stream: true, ...body },
      headers: { authorization: 'Bearer x' },
    });

  test('role first, null finish reasons, an empty last delta, then [DONE]', async () => {
    const response = await raw({});
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('x-request-id')).toMatch(/^req_/);
    const data = await collect(readEvents(response));
    expect(data.at(-1)).toBe('[DONE]');
    const chunks = data.slice(0, -1).map((line) => JSON.parse(line));
    expect(chunks[0].choices).toEqual([
      { index: 0, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null },
    ]);
    for (const chunk of chunks.slice(1, -1)) {
      expect(Object.keys(chunk.choices[0].delta)).toEqual(['content']);
      expect(chunk.choices[0].finish_reason).toBeNull();
    }
    expect(chunks.at(-1).choices).toEqual([{ index: 0, delta: {}, logprobs: null, finish_reason: 'length' }]);
    const envelopes = chunks.map(({ choices: _, ...envelope }) => JSON.stringify(envelope));
    expect(new Set(envelopes).size).toBe(1);
    expect(chunks[0]).not.toHaveProperty('usage');
  });

  test('usage comes last when asked for, and is null before', async () => {
    const data = await collect(readEvents(await raw({ stream_options: { include_usage: true } })));
    const chunks = data.slice(0, -1).map((line) => JSON.parse(line));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 40 } });
    for (const chunk of chunks.slice(0, -1)) expect(chunk.usage).toBeNull();
  });
});

describe('leaving', () => {
  const long = { ...base, max_tokens: tinyModelContext };

  test('closing a stream frees the slot within a token', async () => {
    const stream = await client.chat.completions.create({ ...long, stream: true });
    let read = 0;
    for await (const _ of stream) if (++read === 5) break;
    const leftAt = performance.now();
    await server.idle();
    expect(performance.now() - leftAt).toBeLessThan(1_000);
    const tokens = await server.metric('parley_tokens_generated_total');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await server.metric('parley_tokens_generated_total')).toBe(tokens);
  });

  test('hanging up on a whole answer, or while it is queued, frees it too', async () => {
    const aborts = Array.from({ length: 7 }, () => new AbortController());
    const asked = aborts.map(({ signal }, seed) =>
      client.chat.completions.create({ ...long, seed }, { signal }).catch((error: Error) => error),
    );
    await until(
      async () =>
        (await server.metric('parley_active_slots')) === 4 && (await server.metric('parley_queued_requests')) === 3,
    );
    for (const abort of aborts) abort.abort();
    await Promise.all(asked);
    await server.idle();
  });

  test('a reader who takes nothing holds nobody up', async () => {
    const lazy = new AbortController();
    const unread = await server.fetch('/v1/chat/completions', {
      body: { ...base, max_tokens: 1_500, stream: true, logprobs: true, top_logprobs: 20 },
      signal: lazy.signal,
    });
    const startedAt = performance.now();
    const others = await Promise.all([1, 2, 3].map((seed) => client.chat.completions.create({ ...base, seed })));
    expect(others.every(({ choices }) => choices[0]!.finish_reason === 'length')).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    // The unread answer is written to its end all the same, and then readable.
    await server.idle(50_000);
    const data = await collect(readEvents(unread));
    expect(data.at(-1)).toBe('[DONE]');
    lazy.abort();
  });
});

describe('errors', () => {
  const failing = async (body: object): Promise<APIError> =>
    client.chat.completions.create({ ...base, ...body } as OpenAI.ChatCompletionCreateParamsNonStreaming).then(
      () => {
        throw new Error('this should have been refused');
      },
      (error) => error,
    );

  test('another model', async () => {
    expect(await failing({ model: 'gpt-4o' })).toMatchObject({
      status: 404,
      type: 'invalid_request_error',
      code: 'model_not_found',
      param: 'model',
    });
    await expect(client.models.retrieve('gpt-4o')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  test('a prompt longer than the context, streamed or not', async () => {
    const tooLong = [{ role: 'user', content: 'x '.repeat(tinyModelContext) }];
    for (const stream of [false, true]) {
      const error = await failing({ messages: tooLong, stream });
      expect(error).toMatchObject({
        status: 400,
        type: 'invalid_request_error',
        code: 'context_length_exceeded',
        param: 'messages',
      });
      expect(error.message).toContain(`maximum context length is ${tinyModelContext} tokens`);
    }
  });

  test.each([
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
    [{ messages: [{ role: 'user', content: 3 }] }, 'messages[0].content'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content[0]',
    ],
    [{ temperature: 3 }, 'temperature'],
    [{ top_p: 0 }, 'top_p'],
    [{ n: 9 }, 'n'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ seed: 1.5 }, 'seed'],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    [{ top_logprobs: 2 }, 'top_logprobs'],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
    [{ logit_bias: { 9999: 100 } }, 'logit_bias'],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
  ])('%j is refused by name', async (body, param) => {
    const error = await failing(body);
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param });
    expect(error.message).toContain(param.split(/[.[]/, 1)[0]);
  });

  test('what other servers ignore is ignored', async () => {
    const answer = await client.chat.completions.create({
      ...base,
      seed: -5,
      tools: [],
      user: 'me',
      metadata: { a: 'b' },
      frequency_penalty: 0,
      stop: null,
      response_format: { type: 'text' },
    });
    expect(answer.choices[0]!.finish_reason).toBe('length');
  });

  test('bodies that are not JSON, not an object, or not there', async () => {
    const post = async (body: string, type = 'application/json') => {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      });
      return { status: response.status, ...((await response.json()) as object) };
    };
    const shape = { message: expect.any(String), type: 'invalid_request_error', param: null };
    expect(await post('{"model":')).toMatchObject({ status: 400, error: { ...shape, code: 'invalid_json' } });
    expect(await post('[1]')).toMatchObject({ status: 400, error: { ...shape, code: null } });
    expect(await post('')).toMatchObject({ status: 400, error: { type: 'invalid_request_error', param: 'model' } });
    expect(await post('{}', 'text/plain')).toMatchObject({ status: 415, error: shape });
    expect(await post(`"${'x'.repeat(1_100_000)}"`)).toMatchObject({ status: 413, error: shape });
    const unknown = await server.fetch('/v1/moderations', { body: {} });
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: shape });
  });
});

test('models are listed and described, with or without a trailing slash', async () => {
  const list = await client.models.list();
  expect(list.data).toMatchObject([{ id: tinyModelName, object: 'model', owned_by: 'parley' }]);
  expect(await client.models.retrieve(tinyModelName)).toMatchObject({ id: tinyModelName });
  expect(await server.json('/v1/models/')).toMatchObject({ object: 'list' });
});
