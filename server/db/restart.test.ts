/** PostgreSQL goes away under a server at work and comes back: nothing acknowledged is lost, and the server goes on. */
import type { Conversation, Message } from '@parley/contracts';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { PostgresCluster } from '../testing/postgres.ts';
import { collect, newHome, startTestServer, type TestServer, textOf, until } from '../testing/test-server.ts';
import { echoWorker } from '../testing/tiny-model.ts';
import { openDatabase } from './database.ts';

describe.runIf(inject('postgres') !== undefined)('a restart of PostgreSQL', () => {
  let cluster: PostgresCluster;
  let server: TestServer;

  beforeAll(async () => {
    // Of its own, since others are busy on the shared one; and it keeps what it has committed.
    cluster = new PostgresCluster();
    server = await startTestServer({ databaseUrl: cluster.url, workerProgram: echoWorker });
  });
  afterAll(async () => {
    await server?.close();
    cluster?.remove();
  });

  test('costs what is asked meanwhile a 503 at most, and answers under way nothing', async () => {
    const conversation = await server.newConversation();
    const content = 'Whatever happens to the database, this is written to its end. '.repeat(8).trim();
    const reading = collect(server.ask(conversation, { content }));

    const busy = await server.newConversation();
    const acknowledged: string[] = [];
    const statuses = new Set<number>();
    let restarted = false;
    const rename = async (title: string) => {
      const path = `/api/conversations/${busy.id}`;
      const response = await server.fetch(path, { method: 'PATCH', body: { title } });
      statuses.add(response.status);
      await response.body?.cancel();
      if (response.ok) acknowledged.push(title);
    };
    const renaming = (async () => {
      for (let round = 0; !restarted; round++) await rename(`Title ${round}`);
    })();
    await until(() => acknowledged.length > 3);
    await cluster.restart();
    restarted = true;
    await renaming;

    const stored = async () => {
      const { conversations } = await server.json<{ conversations: Conversation[] }>('/api/conversations');
      return conversations.find(({ id }) => id === busy.id)!.title;
    };
    await until(async () => (await server.fetch('/api/conversations')).ok);
    const last = acknowledged.at(-1)!;
    // The very last one may have been stored without its answer having come back.
    expect([last, `Title ${Number(last.split(' ')[1]) + 1}`]).toContain(await stored());
    expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    await rename('afterwards');
    expect(await stored()).toBe('afterwards');

    const events = await reading;
    expect(textOf(events)).toBe(content);
    expect(events.at(-1)).toMatchObject({ type: 'done', answer: { status: 'stop', content } });
    const [question, answer] = await server.messages(conversation);
    expect([question!.content, answer!.content]).toEqual([content, content] satisfies Message['content'][]);
  });

  test('leaves the database to the server that had it', async () => {
    await until(async () => {
      const error = await openDatabase(newHome(), cluster.url).catch((cause: Error) => cause);
      if (error instanceof Error) return /Another Parley server is using/.test(error.message);
      await error.close();
      return false;
    });
  });
});
