import { join } from 'node:path';
import type { DraftChoice, DraftPair, Preference, ThumbedAnswer } from '@parley/contracts';
import { readPreferences, readSnapshotIds, takeSnapshot } from '@parley/lm/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { databaseUrlOf } from '../testing/test-database.ts';
import { collect, newHome, startTestServer, type TestServer, temporaryFolder } from '../testing/test-server.ts';
import { tinyModelName } from '../testing/tiny-model.ts';
import { collectedLines } from './collected.ts';

const sampling = { maxTokens: 8, seed: 3 };
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ home: newHome(), draftsEvery: 1 });
});
afterAll(() => server.close());

const idOf = (line: object) => ('id' in line ? String(line.id) : '');

test('votes come with the conversation, the tokens and the sampler they are about, until they are withdrawn', async () => {
  const conversation = await server.newConversation();
  await collect(server.ask(conversation, { content: 'first 你好', sampling }));
  await server.idle();
  await collect(server.ask(conversation, { content: 'second', sampling }));
  const messages = await server.messages(conversation);
  const answer = messages.at(-1)!;
  const feedback = `/api/messages/${answer.id}/feedback`;
  expect(await collectedLines(server.home, await databaseUrlOf(server.home))).toEqual([]);
  const said = { thumb: 'down', reasons: ['untrue'], comment: 'no', betterAnswer: '更好的回答' };
  await server.json(feedback, { method: 'PUT', body: said });

  const lines = await collectedLines(server.home, await databaseUrlOf(server.home));
  expect(lines).toHaveLength(3);
  const [thumb, pair, demonstration] = lines;
  const { betterAnswer, ...voted } = said;
  const prompt = [
    { role: 'user', content: 'first 你好' },
    { role: 'assistant', content: messages.findLast(({ id }) => id === messages.at(-2)!.parentId)!.content },
    { role: 'user', content: 'second' },
  ];
  const model = { name: tinyModelName, weightsHash: expect.stringMatching(/^[0-9a-f]{64}$/) };
  expect(thumb).toMatchObject({
    ...{ prompt, answer: answer.content, ...voted, model },
    sampling: { maxTokens: 8, seed: 3 },
  });
  const { promptTokens } = thumb as ThumbedAnswer;
  expect(promptTokens!.length).toBeGreaterThan(10);
  expect(pair).toMatchObject({ prompt, chosen: betterAnswer, rejected: answer.content, promptTokens });
  expect(pair).toMatchObject({ origins: [null, { model, sampling: { seed: 3 } }] });
  expect(demonstration).toMatchObject({ messages: [...prompt, { role: 'assistant', content: betterAnswer }] });
  expect(new Set(lines.map(idOf)).size).toBe(1);

  const { folder, snapshot } = takeSnapshot(join(temporaryFolder('snapshot'), 'out'), lines, []);
  expect(snapshot.lines).toEqual({ rankings: 0, pairs: 1, thumbs: 1, demonstrations: 1, labels: 0 });
  expect(readPreferences(folder).comparisons).toMatchObject([{ answers: [betterAnswer, answer.content] }]);
  expect(readSnapshotIds(folder)).toEqual(new Set([idOf(thumb!)]));

  await server.fetch(feedback, { method: 'DELETE' });
  expect(await collectedLines(server.home, await databaseUrlOf(server.home))).toEqual([]);
});

test('choices between drafts become a pair, a tie or two thumbs down', async () => {
  const conversation = await server.newConversation();
  // The answer before this one must not have been compared.
  await collect(server.ask(conversation, { content: 'alone', sampling }));
  await server.idle();
  const pairs = async () =>
    (await server.json<{ drafts: DraftPair[] }>(`/api/conversations/${conversation.id}/drafts`)).drafts;
  if ((await pairs()).length === 0) await collect(server.ask(conversation, { content: 'compared', sampling }));
  await server.idle();
  const [pair] = await pairs();
  const text = new Map((await server.messages(conversation)).map(({ id, content }) => [id, content]));
  const [left, right] = [text.get(pair!.left)!, text.get(pair!.right)!];
  const linesAfter = async (choice: DraftChoice) => {
    await server.json(`/api/drafts/${pair!.id}`, { method: 'PUT', body: { choice } });
    return (await collectedLines(server.home, await databaseUrlOf(server.home))) as Preference[];
  };

  const [better] = await linesAfter('right');
  expect(better).toMatchObject({ id: pair!.id, chosen: right, rejected: left });
  const seeds = better!.origins!.map((origin) => origin!.sampling.seed);
  expect(new Set(seeds).size).toBe(2);
  expect(seeds).toContain(3);
  expect(await linesAfter('tie')).toMatchObject([{ answers: [left, right], ranking: [1, 1] }]);
  expect(await linesAfter('neither')).toMatchObject([
    { answer: left, thumb: 'down' },
    { answer: right, thumb: 'down' },
  ]);

  await server.fetch(`/api/conversations/${conversation.id}`, { method: 'DELETE' });
  expect(await collectedLines(server.home, await databaseUrlOf(server.home))).toEqual([]);
});

test('a home without a database is named', async () => {
  await expect(collectedLines(temporaryFolder('empty'))).rejects.toThrow(/there is no database .*PARLEY_HOME/);
});
