/** What was backed up while the server wrote is there after it was restored, on both databases. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Conversation } from '@parley/contracts';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { databaseUrlOf } from '../testing/test-database.ts';
import { collect, newHome, startTestServer, type TestServer, temporaryFolder } from '../testing/test-server.ts';
import { backUp, restore } from './backup.ts';

let server: TestServer;
let folder: string;
let conversation: Conversation;

beforeAll(async () => {
  folder = temporaryFolder('backup');
  server = await startTestServer();
  conversation = await server.newConversation();
  await collect(server.ask(conversation, { content: 'keep this 留住', sampling: { maxTokens: 4 } }));
  for (const path of ['runs/a/model', 'runs/a/checkpoints/step-1', 'packages', 'snapshots/abc']) {
    mkdirSync(join(server.home, path), { recursive: true });
    writeFileSync(join(server.home, path, 'file'), path);
  }
});
afterAll(() => server.close());

test('a backup taken while answers are written starts a server that knows all of it', async () => {
  const file = join(folder, 'first.tar');
  const talk = await server.newConversation();
  const writing = Promise.all([
    collect(server.ask(talk, { content: 'Recite', sampling: { maxTokens: 400 } })),
    backUp(server.home, await databaseUrlOf(server.home), file),
  ]);
  await writing;
  const home = newHome();
  await restore(home, await databaseUrlOf(home), file);
  for (const [path, kept] of [
    ['runs/a/model/file', true],
    ['snapshots/abc/file', true],
    ['runs/a/checkpoints', false],
    ['packages', false],
  ] as const) {
    expect([path, existsSync(join(home, path))]).toEqual([path, kept]);
  }
  expect(readFileSync(join(home, 'snapshots/abc/file'), 'utf8')).toBe('snapshots/abc');

  // Accounts are back as well: the administrator signs in with the same password.
  const restored = await startTestServer({ home });
  expect(await restored.messages(conversation)).toEqual(await server.messages(conversation));
  const question = (await restored.messages(talk)).find(({ role }) => role === 'user');
  if (question) expect(question.content).toBe('Recite');
  await restored.close();
});

test('nothing that is there already is overwritten, and what is no backup is named', async () => {
  const url = await databaseUrlOf(server.home);
  const file = join(folder, 'second.tar');
  await backUp(server.home, url, file);
  await expect(backUp(server.home, url, file)).rejects.toThrow(/exists already/);
  await expect(restore(newHome(), undefined, join(folder, 'none.tar'))).rejects.toThrow(/there is no backup/);
  const nonsense = join(folder, 'nonsense.tar');
  execFileSync('tar', ['--create', '--file', nonsense, '--directory', server.home, 'packages']);
  await expect(restore(newHome(), undefined, nonsense)).rejects.toThrow(/no backup of this version/);
  if (inject('postgres')) {
    await expect(restore(newHome(), undefined, file)).rejects.toThrow(/set DATABASE_URL/);
    await expect(restore(newHome(), url, file)).rejects.toThrow(/changed nothing.*Is the database .* empty/);
  } else {
    await expect(restore(server.home, undefined, file)).rejects.toThrow(/holds a server's data already/);
    await expect(restore(newHome(), 'postgresql://localhost/x', file)).rejects.toThrow(/holds an SQLite database/);
    await expect(backUp(newHome(), undefined, join(folder, 'x.tar'))).rejects.toThrow(/there is no database/);
    expect(existsSync(join(folder, 'x.tar'))).toBe(false);
  }
});
