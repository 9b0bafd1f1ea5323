/** The chat product's own API on a real server with a real model. */
import { type Message, messageSchema, type StreamEvent, streamEventSchema } from '@parley/contracts';
import { Tokenizer } from '@parley/lm/tokenizer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unpackTokens } from '../db/schema.ts';
import { stored } from '../testing/test-database.ts';
import { collect, startTestServer, type TestServer, takeText, textOf, tinyModel } from '../testing/test-server.ts';
import { tinyModelContext, tinyModelName } from '../testing/tiny-model.ts';
import { readLog } from './answer-log.ts';
import { titleFrom } from './conversations.ts';

let server: TestServer;
let tokenizer: Tokenizer;

beforeAll(async () => {
  server = await startTestServer({ slots: 4 });
  tokenizer = Tokenizer.load(tinyModel());
});
afterAll(() => server.close());

const short = { maxTokens: 30, seed: 3 };
const endless = { maxTokens: tinyModelContext, seed: 3 };

const generationsOf = (message: string) =>
  stored(server.home, (db) =>
    db.selectFrom('generations').selectAll().where('message_id', '=', message).orderBy('id').execute(),
  );
const feedbackOf = (message: string) =>
  stored(server.home, (db) => db.selectFrom('feedback').selectAll().where('message_id', '=', message).execute());

async function* placedEvents(response: Response): AsyncGenerator<{ id: string; event: StreamEvent }> {
  let text = '';
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const events = text.split('\n\n');
    text = events.pop()!;
    for (const lines of events) {
      const [, id, data] = /^id: (.*)\ndata: (.*)$/.exec(lines) ?? [];
      if (id !== undefined) yield { id, event: JSON.parse(data!) };
    }
  }
}

const answerOf = (events: StreamEvent[]): Message => {
  const last = events.at(-1)!;
  if (last.type !== 'done') throw new Error(`the stream ended with ${JSON.stringify(last)}`);
  return last.answer;
};

describe('asking', () => {
  test('start, title, deltas, done; and the same is stored', async () => {
    const conversation = await server.newConversation();
    const events = await collect(server.ask(conversation, { content: '  Hello 你好  ', sampling: short }));
    for (const event of events) expect(streamEventSchema.parse(event)).toEqual(event);
    const [start, title] = events;
    expect(start).toMatchObject({
      type: 'start',
      question: { role: 'user', content: 'Hello 你好', status: 'stop', parentId: null, model: null },
      answer: { role: 'assistant', content: '', status: 'streaming', model: tinyModelName },
    });
    expect(title).toMatchObject({ type: 'title', conversation: { id: conversation.id, title: 'Hello 你好' } });
    expect(events.slice(2, -1).every(({ type }) => type === 'delta')).toBe(true);
    const answer = answerOf(events);
    expect(answer).toMatchObject({ status: 'length', content: textOf(events) });
    expect(answer.content.length).toBeGreaterThan(10);

    const messages = await server.messages(conversation);
    expect(messages.map((message) => messageSchema.parse(message))).toEqual(messages);
    expect(messages).toEqual([(start as { question: Message }).question, answer]);
    expect((await server.json<{ conversations: unknown[] }>('/api/conversations')).conversations[0]).toMatchObject({
      id: conversation.id,
      title: 'Hello 你好',
    });
  });

  test('the exact tokens, sampling, seed and model are kept', async () => {
    const conversation = await server.newConversation();
    const answer = answerOf(await collect(server.ask(conversation, { content: 'Remember', sampling: short })));
    const [generation] = await generationsOf(answer.id);
    const prompt = tokenizer.renderChat([{ role: 'user', content: 'Remember' }], { open: true }).ids;
    expect(unpackTokens(generation!.prompt_tokens!)).toEqual(prompt);
    const drawn = unpackTokens(generation!.answer_tokens);
    expect(drawn).toHaveLength(30);
    expect(tokenizer.decode(drawn).replace(/\ufffd$/, '')).toBe(answer.content);
    expect(generation).toMatchObject({
      seed: 3,
      model_name: tinyModelName,
      finish_reason: 'length',
      continued_tokens: 0,
    });
    expect(generation!.weights_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(generation!.sampling)).toMatchObject({ maxTokens: 30, seed: 3, temperature: 0.8 });
  });

  test('the next question follows the newest answer, and its prompt holds the turns before', async () => {
    const conversation = await server.newConversation();
    const first = answerOf(await collect(server.ask(conversation, { content: 'One', sampling: short })));
    const second = answerOf(await collect(server.ask(conversation, { content: 'Two', sampling: short })));
    const [, , question] = await server.messages(conversation);
    expect(question).toMatchObject({ content: 'Two', parentId: first.id });
    const prompt = tokenizer.renderChat(
      [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: first.content },
        { role: 'user', content: 'Two' },
      ],
      { open: true },
    ).ids;
    expect(unpackTokens((await generationsOf(second.id))[0]!.prompt_tokens!)).toEqual(prompt);
  });

  test('an edited question is a sibling, also the first', async () => {
    const conversation = await server.newConversation();
    const first = answerOf(await collect(server.ask(conversation, { content: 'One', sampling: short })));
    await collect(server.ask(conversation, { content: 'Two', sampling: short }));
    await collect(server.ask(conversation, { content: 'Two, edited', parentId: first.id, sampling: short }));
    await collect(server.ask(conversation, { content: 'One, edited', parentId: null, sampling: short }));
    const questions = (await server.messages(conversation)).filter(({ role }) => role === 'user');
    expect(questions.map(({ content, parentId }) => [content, parentId])).toEqual([
      ['One', null],
      ['Two', first.id],
      ['Two, edited', first.id],
      ['One, edited', null],
    ]);
  });

  test('the oldest turns are dropped when the context is full, and it is said', async () => {
    const conversation = await server.newConversation();
    const filler = 'wombat '.repeat(150).trim();
    let answer: Message | undefined;
    for (let i = 0; i < 5; i++) {
      answer = answerOf(await collect(server.ask(conversation, { content: `${i} ${filler}`, sampling: short })));
    }
    expect(answer!.droppedTurns).toBeGreaterThan(0);
    expect(answer!.droppedTurns % 2).toBe(0);
    expect((await server.messages(conversation)).at(-1)!.droppedTurns).toBe(answer!.droppedTurns);
  });

  test('a question longer than the context is an error that is kept', async () => {
    const conversation = await server.newConversation();
    const events = await collect(server.ask(conversation, { content: 'x '.repeat(tinyModelContext) }));
    expect(events.at(-1)).toMatchObject({ type: 'error', message: expect.stringContaining('4096 tokens') });
    expect((await server.messages(conversation))[1]).toMatchObject({ status: 'error', content: '' });
    // It does not stand in the way of the next one.
    const next = answerOf(await collect(server.ask(conversation, { content: 'shorter', sampling: short })));
    const prompt = tokenizer.renderChat([{ role: 'user', content: 'shorter' }], { open: true }).ids;
    expect(unpackTokens((await generationsOf(next.id))[0]!.prompt_tokens!)).toEqual(prompt);
  });

  test('two conversations at once do not mix', async () => {
    const alone = async (seed: number) => {
      const conversation = await server.newConversation();
      const sampling = { maxTokens: 150, seed };
      return answerOf(await collect(server.ask(conversation, { content: 'Recite', sampling }))).content;
    };
    const [one, two] = [await alone(11), await alone(12)];
    expect(await Promise.all([alone(11), alone(12), alone(11)])).toEqual([one, two, one]);
  });
});

describe('an answer that is cut', () => {
  test('stop frees the slot within a token; the text stays; continue goes on in the same message', async () => {
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Recite', sampling: endless });
    const taken = await takeText(events, 60);
    const { answer } = taken[0] as { answer: Message };
    const stopped = await server.fetch(`/api/messages/${answer.id}/stop`, { method: 'POST' });
    expect(stopped.status).toBe(204);
    const stoppedAt = performance.now();
    await server.idle();
    expect(performance.now() - stoppedAt).toBeLessThan(1_000);
    const cut = answerOf(await collect(events));
    expect(cut.status).toBe('cancelled');
    expect((await server.messages(conversation))[1]).toEqual(cut);

    const resumed = await collect(server.events(`/api/messages/${answer.id}/continue`, { body: { sampling: short } }));
    expect(resumed[0]).toMatchObject({
      type: 'start',
      question: null,
      answer: { id: answer.id, content: cut.content },
    });
    const longer = answerOf(resumed);
    expect(longer).toMatchObject({ id: answer.id, status: 'length', content: cut.content + textOf(resumed) });
    expect(longer.content.length).toBeGreaterThan(cut.content.length);
    expect(await server.messages(conversation)).toHaveLength(2);

    const [first, second] = await generationsOf(answer.id);
    expect(first!.finish_reason).toBe('cancelled');
    const tokens = unpackTokens(second!.answer_tokens);
    const continued = second!.continued_tokens;
    expect(tokens.length).toBe(continued + 30);
    expect(unpackTokens(first!.answer_tokens).slice(0, continued)).toEqual(tokens.slice(0, continued));
    expect(unpackTokens(second!.prompt_tokens!)).toEqual([
      ...unpackTokens(first!.prompt_tokens!),
      ...tokens.slice(0, continued),
    ]);
  });

  test('continued token by token, no character is lost, doubled or torn', async () => {
    const conversation = await server.newConversation();
    // Greedy, so that the parts must join to what one go gives.
    const greedy = (maxTokens: number) => ({ maxTokens, temperature: 0 });
    const whole = answerOf(
      await collect(server.ask(conversation, { content: '你好', parentId: null, sampling: greedy(40) })),
    );
    const first = answerOf(
      await collect(server.ask(conversation, { content: '你好', parentId: null, sampling: greedy(1) })),
    );
    let message = first;
    for (let i = 0; i < 60 && message.content.length < whole.content.length; i++) {
      const body = { sampling: greedy(3) };
      message = answerOf(await collect(server.events(`/api/messages/${first.id}/continue`, { body })));
      expect(message.content).not.toContain('\ufffd');
    }
    expect(message.content.slice(0, whole.content.length)).toBe(whole.content);
  });

  test('a complete answer and one being written cannot be continued', async () => {
    const conversation = await server.newConversation();
    const probe = answerOf(await collect(server.ask(conversation, { content: 'Recite', sampling: short })));
    const stop = [Array.from(probe.content)[12]!];
    const complete = answerOf(
      await collect(server.ask(conversation, { content: 'Recite', parentId: null, sampling: { ...short, stop } })),
    );
    expect(complete.status).toBe('stop');
    const refused = await server.fetch(`/api/messages/${complete.id}/continue`, { body: {} });
    expect(refused.status).toBe(409);

    const events = server.ask(conversation, { content: 'More', sampling: endless });
    const { answer } = (await takeText(events, 5))[0] as { answer: Message };
    for (const path of [`messages/${answer.id}/continue`, `conversations/${conversation.id}/messages`]) {
      const busy = await server.fetch(`/api/${path}`, { body: { content: 'and?' } });
      expect(busy.status).toBe(409);
      expect(await busy.json()).toMatchObject({ error: { code: 'still_writing' } });
    }
    await server.fetch(`/api/messages/${answer.id}/stop`, { method: 'POST' });
    await collect(events);
  });
});

test('regenerate makes a sibling with a seed of its own', async () => {
  const conversation = await server.newConversation();
  const old = answerOf(await collect(server.ask(conversation, { content: 'Recite', sampling: short })));
  const sibling = answerOf(
    await collect(server.events(`/api/messages/${old.id}/regenerate`, { body: { sampling: { maxTokens: 20 } } })),
  );
  expect(sibling).toMatchObject({ parentId: old.parentId, role: 'assistant' });
  expect(sibling.id).not.toBe(old.id);
  expect((await generationsOf(sibling.id))[0]!.seed).not.toBe(3);
  expect(unpackTokens((await generationsOf(sibling.id))[0]!.prompt_tokens!)).toEqual(
    unpackTokens((await generationsOf(old.id))[0]!.prompt_tokens!),
  );
});

describe('a reader who leaves', () => {
  test('does not lose the answer, and may join it again', async () => {
    const conversation = await server.newConversation();
    const leave = new AbortController();
    const events = server.ask(
      conversation,
      { content: 'Recite', sampling: { maxTokens: 1500, seed: 4 } },
      leave.signal,
    );
    const { answer } = (await takeText(events, 20))[0] as { answer: Message };
    leave.abort();
    await events.return(undefined).catch(() => {});

    const joined = await collect(server.events(`/api/messages/${answer.id}/stream`));
    const start = joined[0] as { question: null; answer: Message };
    expect(start).toMatchObject({ type: 'start', question: null, answer: { id: answer.id, status: 'streaming' } });
    expect(start.answer.content.length).toBeGreaterThanOrEqual(20);
    const done = answerOf(joined);
    expect(done.content).toBe(start.answer.content + textOf(joined));
    expect(unpackTokens((await generationsOf(answer.id))[0]!.answer_tokens)).toHaveLength(1500);

    const late = await collect(server.events(`/api/messages/${answer.id}/stream`));
    expect(late).toMatchObject([
      { type: 'start', answer: done },
      { type: 'done', answer: done },
    ]);
  });

  test('several readers see the same', async () => {
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Recite', sampling: { maxTokens: 600, seed: 5 } });
    const head = await takeText(events, 10);
    const { answer } = head[0] as { answer: Message };
    const others = await Promise.all([1, 2].map(() => collect(server.events(`/api/messages/${answer.id}/stream`))));
    const own = answerOf(await collect(events));
    for (const other of others) expect(answerOf(other)).toEqual(own);
  });

  test('names the last event it got and reads on from there, nothing twice and nothing missing', async () => {
    const conversation = await server.newConversation();
    const body = { content: 'Recite', sampling: { maxTokens: 700, seed: 6 } };
    const leave = new AbortController();
    const asked = await server.fetch(`/api/conversations/${conversation.id}/messages`, { body, signal: leave.signal });
    let place = '';
    let read = '';
    let answer: Message | undefined;
    for await (const { id, event } of placedEvents(asked)) {
      place = id;
      if (event.type === 'start') answer = event.answer;
      if (event.type === 'delta') read += event.text;
      if (read.length > 100) break;
    }
    leave.abort();
    const path = `/api/messages/${answer!.id}/stream`;
    // Three more times a little, named once in the address and then in the header; at last to the end.
    for (const length of [300, 500, 700, Number.POSITIVE_INFINITY]) {
      const hangUp = new AbortController();
      const named = length === 300 ? `${path}?after=${place}` : path;
      const headers: Record<string, string> = named === path ? { 'last-event-id': place } : {};
      const joined = await server.fetch(named, { headers, signal: hangUp.signal });
      for await (const { id, event } of placedEvents(joined)) {
        expect(event.type).not.toBe('start');
        place = id;
        if (event.type === 'delta') read += event.text;
        if (event.type === 'done') expect(read).toBe(event.answer.content);
        if (read.length > length) break;
      }
      hangUp.abort();
    }
    const [, stored] = await server.messages(conversation);
    expect(read).toBe(stored!.content);

    // From the database as from memory.
    const [run] = place.split('.');
    const late = await collect(server.events(`${path}?after=${run}.9`));
    expect(late).toMatchObject([{ type: 'delta', text: read.slice(9) }, { type: 'done' }]);
    expect(await collect(server.events(`${path}?after=${place}`))).toMatchObject([{ type: 'done' }]);
    // A place that this text does not have gets all of it.
    for (const unknown of [`${run}.${read.length + 1}`, `${stored!.id}.3`, 'nonsense', `${run}.-1`]) {
      const all = await collect(server.events(`${path}?after=${unknown}`));
      expect(all).toMatchObject([{ type: 'start', answer: { content: read } }, { type: 'done' }]);
    }
  });

  test('at most 250 ms of text are not yet in the database', async () => {
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Recite', sampling: endless });
    let seen = '';
    const { answer } = (await takeText(events, 1))[0] as { answer: Message };
    void (async () => {
      for await (const event of events) if (event.type === 'delta') seen += event.text;
    })();
    for (let i = 0; i < 5; i++) {
      const before = seen.length;
      await new Promise((resolve) => setTimeout(resolve, 250));
      const length = await stored(server.home, async (db) => {
        const run = await db
          .selectFrom('generations')
          .innerJoin('messages', 'messages.id', 'generations.message_id')
          .select(['generations.id', 'messages.content'])
          .where('message_id', '=', answer.id)
          .executeTakeFirstOrThrow();
        // A fast machine is at the end of the context before the last look: then the answer is stored whole.
        return Math.max((await readLog(db)).get(run.id)?.text.length ?? 0, run.content.length);
      });
      expect(length).toBeGreaterThanOrEqual(before);
    }
    await server.fetch(`/api/messages/${answer.id}/stop`, { method: 'POST' });
  });
});

describe('conversations', () => {
  test('are renamed, listed newest first, and deleted with everything in them', async () => {
    const [older, newer] = [await server.newConversation(), await server.newConversation()];
    await collect(server.ask(newer, { content: 'x', sampling: short }));
    const answer = answerOf(await collect(server.ask(older, { content: 'y', sampling: short })));
    await server.json(`/api/messages/${answer.id}/feedback`, { method: 'PUT', body: { thumb: 'up' } });
    const { conversations } = await server.json<{ conversations: { id: string }[] }>('/api/conversations');
    expect(conversations.slice(0, 2).map(({ id }) => id)).toEqual([older.id, newer.id]);
    expect(
      await server.json(`/api/conversations/${older.id}`, { method: 'PATCH', body: { title: ' 标题 ' } }),
    ).toMatchObject({
      id: older.id,
      title: '标题',
    });
    const deleted = await server.fetch(`/api/conversations/${older.id}`, { method: 'DELETE' });
    expect(deleted.status).toBe(204);
    expect((await server.fetch(`/api/conversations/${older.id}/messages`)).status).toBe(404);
    expect(await generationsOf(answer.id)).toEqual([]);
    expect(await feedbackOf(answer.id)).toEqual([]);
  });

  test('deleting one stops what it is writing', async () => {
    const conversation = await server.newConversation();
    const events = server.ask(conversation, { content: 'Recite', sampling: endless });
    await takeText(events, 5);
    await server.fetch(`/api/conversations/${conversation.id}`, { method: 'DELETE' });
    await server.idle();
    expect((await collect(events)).at(-1)).toMatchObject({ type: 'done', answer: { status: 'cancelled' } });
    const healthy = await server.newConversation();
    answerOf(await collect(server.ask(healthy, { content: 'still there?', sampling: short })));
  });

  test('titles are cut between characters', () => {
    expect(titleFrom('  one\ttwo  three\nfour')).toBe('one two three');
    expect(titleFrom('👩‍🚀'.repeat(70))).toBe(`${'👩‍🚀'.repeat(59)}…`);
    expect(titleFrom('字'.repeat(60))).toBe('字'.repeat(60));
  });
});

describe('feedback', () => {
  test('is stored with the model, changed in place and taken back', async () => {
    const conversation = await server.newConversation();
    const answer = answerOf(await collect(server.ask(conversation, { content: 'Rate me', sampling: short })));
    const path = `/api/messages/${answer.id}/feedback`;
    const up = await server.json(path, { method: 'PUT', body: { thumb: 'up' } });
    expect(up).toMatchObject({ messageId: answer.id, thumb: 'up', comment: '' });
    const down = await server.json(path, { method: 'PUT', body: { thumb: 'down', comment: '不好 👎' } });
    expect((await server.messages(conversation))[1]!.feedback).toEqual(down);
    const [generation] = await generationsOf(answer.id);
    expect(await feedbackOf(answer.id)).toMatchObject([
      { thumb: 'down', comment: '不好 👎', model_name: tinyModelName, weights_hash: generation!.weights_hash },
    ]);
    expect((await server.fetch(path, { method: 'DELETE' })).status).toBe(204);
    expect((await server.messages(conversation))[1]!.feedback).toBeNull();
  });

  test('is on answers only, and must be a thumb', async () => {
    const conversation = await server.newConversation();
    const answer = answerOf(await collect(server.ask(conversation, { content: 'q', sampling: short })));
    const put = (id: string, body: unknown) => server.fetch(`/api/messages/${id}/feedback`, { method: 'PUT', body });
    expect((await put(answer.parentId!, { thumb: 'up' })).status).toBe(400);
    const bad = await put(answer.id, { thumb: 'sideways' });
    expect(bad.status).toBe(400);
    expect(await bad.json()).toMatchObject({ error: { message: expect.stringContaining('thumb') } });
    expect((await put(answer.id, { thumb: 'up', comment: 'x'.repeat(4001) })).status).toBe(400);
  });
});

test('what belongs to somebody else does not exist', async () => {
  const conversation = await server.newConversation();
  const answer = answerOf(await collect(server.ask(conversation, { content: 'mine', sampling: short })));
  const mallory = await server.person('Mallory');
  const ofConversation = `/api/conversations/${conversation.id}`;
  const ofMessage = `/api/messages/${answer.id}`;
  const attempts: [string, string, unknown?][] = [
    ['PATCH', ofConversation, { title: 'taken' }],
    ['DELETE', ofConversation],
    ['GET', `${ofConversation}/messages`],
    ['POST', `${ofConversation}/messages`, { content: 'hi' }],
    ['POST', `${ofMessage}/continue`, {}],
    ['POST', `${ofMessage}/regenerate`, {}],
    ['POST', `${ofMessage}/stop`],
    ['GET', `${ofMessage}/stream`],
    ['PUT', `${ofMessage}/feedback`, { thumb: 'up' }],
    ['DELETE', `${ofMessage}/feedback`],
  ];
  for (const [method, path, body] of attempts) {
    const response = await mallory.fetch(path, { method, body });
    expect([method, path, response.status]).toEqual([method, path, 404]);
  }
  const own = await mallory.newConversation();
  const borrowed = await mallory.fetch(`/api/conversations/${own.id}/messages`, {
    body: { content: 'hi', parentId: answer.id },
  });
  expect(borrowed.status).toBe(404);
  const { conversations } = await mallory.json<{ conversations: { id: string }[] }>('/api/conversations');
  expect(conversations.map(({ id }) => id)).not.toContain(conversation.id);
});
