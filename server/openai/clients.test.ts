/** The API through the clients that people use beside the official one: Vercel's AI SDK and LangChain. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI, OpenAIEmbeddings, OpenAI as TextOpenAI } from '@langchain/openai';
import { embedMany, generateText, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer } from '../testing/test-server.ts';
import { tinyModelName as model, tinyModelContext } from '../testing/tiny-model.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ slots: 4 });
});
afterAll(() => server.close());

const tooLong = 'x '.repeat(tinyModelContext);

describe('AI SDK', () => {
  const provider = () => createOpenAICompatible({ name: 'parley', baseURL: `${server.url}/v1`, includeUsage: true });
  const asked = { prompt: 'hello 你好', maxOutputTokens: 30, seed: 3, maxRetries: 0 };

  test('writes the same text whole and streamed, and counts its tokens', async () => {
    const whole = await generateText({ ...asked, model: provider()(model), system: 'Be brief.' });
    expect(whole).toMatchObject({ finishReason: 'length', usage: { outputTokens: 30 }, warnings: [] });
    const streamed = streamText({ ...asked, model: provider()(model), system: 'Be brief.' });
    expect((await collect(streamed.textStream)).join('')).toBe(whole.text);
    expect(await streamed.finishReason).toBe('length');
    expect(await streamed.usage).toMatchObject({ outputTokens: 30, inputTokens: whole.usage.inputTokens });
  });

  test('completes and embeds', async () => {
    const { text, usage } = await generateText({ ...asked, model: provider().completionModel(model) });
    expect(text).not.toBe('');
    expect(usage.outputTokens).toBe(30);
    const { embeddings } = await embedMany({ model: provider().embeddingModel(model), values: ['a', 'b', 'c'] });
    expect(embeddings.map(({ length }) => length)).toEqual([64, 64, 64]);
  });

  test('understands what is wrong, and that trying again is of no use', async () => {
    const failing = (body: object) => generateText({ ...asked, model: provider()(model), ...body });
    await expect(failing({ prompt: tooLong })).rejects.toMatchObject({
      statusCode: 400,
      isRetryable: false,
      message: expect.stringContaining('maximum context length'),
    });
    await expect(failing({ model: provider()('other') })).rejects.toMatchObject({
      statusCode: 404,
      isRetryable: false,
    });
    const errors: unknown[] = [];
    const streamed = streamText({
      ...asked,
      model: provider()('other'),
      onError: ({ error }) => void errors.push(error),
    });
    await collect(streamed.textStream);
    expect(errors).toMatchObject([{ statusCode: 404 }]);
  });

  test('leaving a stream frees the slot', async () => {
    const abort = new AbortController();
    const streamed = streamText({
      ...asked,
      model: provider()(model),
      maxOutputTokens: tinyModelContext,
      abortSignal: abort.signal,
      onError: () => {},
    });
    for await (const _ of streamed.textStream) break;
    abort.abort();
    await server.idle();
  });
});

describe('LangChain', () => {
  const options = () => ({ model, apiKey: 'any', configuration: { baseURL: `${server.url}/v1` }, maxRetries: 0 });

  test('chats, whole and streamed', async () => {
    const chat = new ChatOpenAI({ ...options(), maxTokens: 30, modelKwargs: { seed: 3 } });
    const whole = await chat.invoke('hello 你好');
    expect(whole.usage_metadata).toMatchObject({ output_tokens: 30 });
    expect(whole.response_metadata.finish_reason).toBe('length');
    const chunks = await collect(await chat.stream('hello 你好'));
    expect(chunks.map(({ content }) => content).join('')).toBe(whole.content);
    expect(chunks.find((chunk) => chunk.usage_metadata)?.usage_metadata).toMatchObject({ output_tokens: 30 });
  });

  test('completes and embeds', async () => {
    const text = new TextOpenAI({ ...options(), maxTokens: 10 });
    expect(await text.invoke('The quick')).not.toBe('');
    expect((await collect(await text.stream('The quick'))).join('')).not.toBe('');
    const embeddings = await new OpenAIEmbeddings(options()).embedDocuments(['a', 'b']);
    expect(embeddings.map(({ length }) => length)).toEqual([64, 64]);
  });

  test('understands what is wrong', async () => {
    const chat = new ChatOpenAI(options());
    await expect(chat.invoke(tooLong)).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' });
    await expect(new ChatOpenAI({ ...options(), model: 'other' }).invoke('x')).rejects.toMatchObject({
      status: 404,
      lc_error_code: 'MODEL_NOT_FOUND',
    });
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
    await expect(chat.bindTools(tools).invoke('x')).rejects.toMatchObject({ status: 400, param: 'tools' });
  });
});
