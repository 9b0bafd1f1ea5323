/** The Responses API as the official client sees it, with a real model behind it. */
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collect, startTestServer, type TestServer } from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let client: OpenAI;
beforeAll(async () => {
  server = await startTestServer({ slots: 2 });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
});
afterAll(() => server.close());

const base = { model: tinyModelName, input: 'hello 你好', max_output_tokens: 30, temperature: 0 };

test('a response is what the same chat completion is, whole and streamed', async () => {
  const chat = await client.chat.completions.create({
    model: tinyModelName,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello 你好' },
    ],
    max_tokens: 30,
    temperature: 0,
  });
  const asked = { ...base, instructions: 'Be brief.', metadata: { mine: 'yes' } };
  const whole = await client.responses.create(asked);
  expect(whole.output_text).toBe(chat.choices[0]!.message.content);
  expect(whole).toMatchObject({
    id: expect.stringMatching(/^resp_/),
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    usage: { input_tokens: chat.usage!.prompt_tokens, output_tokens: 30 },
    metadata: { mine: 'yes' },
  });
  const streamed = await client.responses.stream(asked).finalResponse();
  expect(streamed.output_text).toBe(whole.output_text);
  expect(streamed.usage).toEqual(whole.usage);
});

test('the events of a stream come in order and are numbered', async () => {
  const events = await collect(await client.responses.create({ ...base, stream: true }));
  expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
  const kinds = events.map(({ type }) => type.replace('response.', '')).filter((type) => type !== 'output_text.delta');
  expect(kinds).toEqual([
    ...['created', 'in_progress', 'output_item.added', 'content_part.added'],
    ...['output_text.done', 'content_part.done', 'output_item.done', 'incomplete'],
  ]);
  const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
  expect(events.at(-1)).toMatchObject({ response: { output: [{ content: [{ type: 'output_text', text }] }] } });
});

test('conversations come whole, in parts and roles of either generation', async () => {
  const { usage } = await client.responses.create({
    ...base,
    input: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'input_text', text: 'One' }] },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Two', annotations: [] }],
      },
      { role: 'user', content: 'Three' },
    ],
  });
  const chat = await client.chat.completions.create({
    model: tinyModelName,
    max_tokens: 1,
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'One' },
      { role: 'assistant', content: 'Two' },
      { role: 'user', content: 'Three' },
    ],
  });
  expect(usage!.input_tokens).toBe(chat.usage!.prompt_tokens);
});

test('scores come where they are asked for', async () => {
  const { output } = await client.responses.create({
    ...base,
    include: ['message.output_text.logprobs'],
    top_logprobs: 2,
  });
  const [part] = (output[0] as OpenAI.Responses.ResponseOutputMessage).content as OpenAI.Responses.ResponseOutputText[];
  expect(part!.logprobs!.length).toBeGreaterThan(5);
  expect(part!.logprobs![0]!.top_logprobs).toHaveLength(2);
});

test('a conversation that is too long is refused, or begins later where that was asked for', async () => {
  const turn = (content: string) => ({ role: 'user' as const, content });
  const input = [...Array.from({ length: 40 }, () => turn('x '.repeat(100))), turn('short')];
  await expect(client.responses.create({ ...base, input })).rejects.toMatchObject({
    status: 400,
    code: 'context_length_exceeded',
    param: 'input',
  });
  const cut = await client.responses.create({ ...base, input, truncation: 'auto' });
  expect(cut.usage!.input_tokens).toBeLessThan(tinyModelContext);
});

test.each([
  [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
  [{ background: true }, 'background'],
  [{ tools: [{ type: 'web_search' }] }, 'tools'],
  [{ text: { format: { type: 'json_object' } } }, 'text.format'],
  [{ input: [{ type: 'function_call_output', call_id: '1', output: 'x' }] }, 'input[0].role'],
  [{ input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] }, 'input[0].content[0]'],
])('%j is refused by name', async (body, param) => {
  await expect(client.responses.create({ ...base, ...body } as never)).rejects.toMatchObject({ status: 400, param });
});
