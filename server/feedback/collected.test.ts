import { afterAll, beforeAll, expect, test } from 'vitest';
import { collect, newHome, startTestServer, type TestServer, temporaryFolder } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';
import { collectedThumbs } from './collected.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ home: newHome() });
});
afterAll(() => server.close());

test('thumbs come with the conversation, the tokens and the sampler they are about, until they are withdrawn', async () => {
  const conversation = await server.newConversation();
  const sampling = { maxTokens: 8, seed: 3 };
  await collect(server.ask(conversation, { content: 'first 你好', sampling }));
  await collect(server.ask(conversation, { content: 'second', sampling }));
  const messages = await server.messages(conversation);
  const answer = messages.at(-1)!;
  const feedback = `/api/messages/${answer.id}/feedback`;
  expect(collectedThumbs(server.home)).toEqual([]);
  await server.json(feedback, { method: 'PUT', body: { thumb: 'down', comment: 'no' } });

  const [thumb, ...others] = collectedThumbs(server.home);
  expect(others).toEqual([]);
  expect(thumb).toMatchObject({
    prompt: [
      { role: 'user', content: 'first 你好' },
      { role: 'assistant', content: messages[1]!.content },
      { role: 'user', content: 'second' },
    ],
    answer: answer.content,
    thumb: 'down',
    comment: 'no',
    model: { name: tinyModelName },
    sampling: { maxTokens: 8, seed: 3 },
  });
  expect(thumb!.promptTokens!.length).toBeGreaterThan(10);

  await server.fetch(feedback, { method: 'DELETE' });
  expect(collectedThumbs(server.home)).toEqual([]);
});

test('a home without a database is named', () => {
  expect(() => collectedThumbs(temporaryFolder('empty'))).toThrow(/there is no database .*PARLEY_HOME/);
});
