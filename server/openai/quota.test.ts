/** What programs read and write counts towards the account of their API key, and ends where its day's tokens do. */
import type { NewApiKey, Profile } from '@parley/contracts';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer, until } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';

let server: TestServer;
let person: TestServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startTestServer();
  person = await server.person('Ada');
  const { secret } = await person.json<NewApiKey>('/api/account/keys', { body: { name: 'program' } });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: secret, maxRetries: 0 });
});
afterAll(() => server.close());

const asked = { model: tinyModelName, messages: [{ role: 'user' as const, content: 'hello' }], max_tokens: 20 };
const today = async () => (await person.json<Profile>('/api/account')).tokensToday;

test('every route counts, and what was written before somebody hung up', async () => {
  let counted = await today();
  const expectCounted = async (tokens: number) => {
    counted += tokens;
    await until(async () => (await today()) === counted);
  };
  const { usage } = await client.chat.completions.create(asked);
  await expectCounted(usage!.total_tokens);
  await client.chat.completions.stream(asked).finalChatCompletion();
  await expectCounted(usage!.total_tokens);
  const embedded = await client.embeddings.create({ model: tinyModelName, input: ['a', 'b'] });
  await expectCounted(embedded.usage.total_tokens);

  const stream = await client.chat.completions.create({ ...asked, max_tokens: 4000, stream: true });
  let read = 0;
  for await (const _ of stream) if (++read === 10) break;
  await until(async () => (await today()) > counted + 10);
});

test('a day without tokens left is said so that clients do not try again', async () => {
  await server.json('/api/administration/settings', { method: 'PUT', body: { tokensPerDay: 1 } });
  const error = await client.chat.completions.create(asked).catch((cause) => cause);
  expect(error).toMatchObject({ status: 429, type: 'insufficient_quota', code: 'insufficient_quota' });
  expect(error.headers.get('x-should-retry')).toBe('false');
  expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0);
});
