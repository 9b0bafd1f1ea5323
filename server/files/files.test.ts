/** Files from anywhere, uploaded to a real server, read, and asked about. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import {
  largestUploadBytes,
  type Message,
  type SendRequest,
  type UploadedFile,
  uploadedFileSchema,
} from '@parley/contracts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { docx } from '../testing/sample-files.ts';
import { collect, startTestServer, type TestServer, until } from '../testing/test-server.ts';
import { tinyModelContext } from '../testing/tiny-model.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

async function put(
  bytes: Uint8Array | string,
  name = 'file.txt',
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${server.url}/api/files?name=${encodeURIComponent(name)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', cookie: await server.cookie(), ...headers },
    body: bytes,
  });
}

async function upload(bytes: Uint8Array | string, name?: string): Promise<UploadedFile> {
  const response = await put(bytes, name);
  expect(response.status).toBe(201);
  const { id } = uploadedFileSchema.parse(await response.json());
  let file: UploadedFile | undefined;
  await until(async () => {
    file = await server.json<UploadedFile>(`/api/files/${id}`);
    return file.state !== 'reading';
  }, 90_000);
  return uploadedFileSchema.parse(file);
}

/** What the model was given for an answer to a question with these files. */
async function ask(files: UploadedFile[], request: Partial<SendRequest> = {}): Promise<Message[]> {
  const conversation = await server.newConversation();
  const body = { content: 'Summarise', fileIds: files.map(({ id }) => id), sampling: { maxTokens: 8 }, ...request };
  const events = await collect(server.ask(conversation, body));
  expect(events.at(-1)).toMatchObject({ type: 'done' });
  const messages = await server.messages(conversation);
  expect((events.at(-1) as { answer: Message }).answer).toEqual(messages[1]);
  return messages;
}

// Every file starts a process, which takes its time on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 180_000 });

test('a file is read by a process of its own, and only its text stays', async () => {
  expect(await upload(docx('Dear Sir', '你好'), '信.docx')).toMatchObject({
    ...{ state: 'ready', problem: null, name: '信.docx', characters: 12, cut: false },
  });
  expect(readdirSync(join(server.home, 'uploads'))).toEqual([]);
});

test('a file that needs more memory than there is for it fails alone', async () => {
  const heavy = docx('<w:p><w:r><w:t>x</w:t></w:r></w:p>'.repeat(1_400_000));
  expect(heavy.length).toBeLessThan(largestUploadBytes);
  const { state, problem } = await upload(heavy, 'heavy.docx');
  // Which of the two comes first is a matter of the machine.
  expect([state, ['too_large', 'too_slow'].includes(problem!)]).toEqual(['failed', true]);
  expect(await upload(Buffer.from([0, 1, 2]))).toMatchObject({ state: 'failed', problem: 'unknown_kind' });
});

describe('an upload', () => {
  test('of a gigabyte is refused, whether it says its size or not, and nothing of it stays', async () => {
    expect((await put(new Uint8Array(largestUploadBytes + 1))).status).toBe(413);
    const { status, sent } = await sendWithoutEnd(1_000_000_000);
    expect(status).toBe(413);
    expect(sent).toBeLessThan(1_000_000_000);
    expect(readdirSync(join(server.home, 'uploads'))).toEqual([]);
  });

  test('keeps the last part of its name, and never uses it as a path', async () => {
    for (const [name, shown] of [
      ['../../etc/passwd', 'passwd'],
      ['..\\..\\boot.ini', 'boot.ini'],
      ['a\u202etxt.exe', 'atxt.exe'],
      ['nul\0l', 'null'],
      ['///', 'file'],
    ] as const) {
      expect(await (await put('text', name)).json()).toMatchObject({ name: shown });
    }
    expect(readdirSync(server.home).sort()).not.toContain('passwd');
  });

  test('must be bytes from our own page', async () => {
    expect((await put('x', 'x'.repeat(256))).status).toBe(400);
    expect((await put('')).status).toBe(400);
    expect((await put('x', 'a', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await put('{}', 'a', { 'content-type': 'application/json' })).status).toBe(415);
    expect((await put('x', 'a', { origin: 'https://evil.example' })).status).toBe(403);
    expect((await put('x', 'a', { cookie: '' })).status).toBe(401);
    expect(
      (
        await server.fetch('/api/conversations', {
          method: 'POST',
          headers: { 'content-type': 'application/octet-stream' },
        })
      ).status,
    ).toBe(415);
  });

  test('is seen, deleted and asked about by its owner only', async () => {
    const file = await upload('mine');
    const mallory = await server.person('Mallory');
    expect((await mallory.fetch(`/api/files/${file.id}`)).status).toBe(404);
    expect((await mallory.fetch(`/api/files/${file.id}`, { method: 'DELETE' })).status).toBe(404);
    const conversation = await mallory.newConversation();
    const body = { content: 'Read it to me', fileIds: [file.id] };
    expect((await mallory.fetch(`/api/conversations/${conversation.id}/messages`, { body })).status).toBe(404);
    expect((await server.fetch(`/api/files/${file.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await server.fetch(`/api/files/${file.id}`)).status).toBe(404);
  });

  async function sendWithoutEnd(limit: number): Promise<{ status: number; sent: number }> {
    const cookie = await server.cookie();
    return new Promise((resolve, reject) => {
      let sent = 0;
      let answered = false;
      const upload = request(
        `${server.url}/api/files?name=big`,
        { method: 'PUT', headers: { 'content-type': 'application/octet-stream', cookie } },
        (response) => {
          answered = true;
          response.resume();
          upload.destroy();
          resolve({ status: response.statusCode!, sent });
        },
      );
      upload.on('error', (error) => (answered ? undefined : reject(error)));
      const chunk = Buffer.alloc(1_000_000, 'x');
      const write = () => {
        if (answered || sent >= limit) return;
        sent += chunk.length;
        upload.write(chunk, () => setImmediate(write));
      };
      write();
    });
  }
});

describe('asking about files', () => {
  test('the text stands before the question, and the page is told how much was read', async () => {
    const file = await upload('The password of the vault is swordfish.', 'vault.txt');
    const [question, answer] = await ask([file]);
    const { id, name, characters } = file;
    expect(question!.files).toEqual([{ id, name, characters, charactersRead: null }]);
    expect(answer!.files).toEqual([{ id, name, characters, charactersRead: characters }]);
  });

  test('of what is too long as much is read as there is room for, fairly among several', async () => {
    const sentence = '我们去公园散步吧。The dog sleeps on. ';
    const long = await upload(sentence.repeat(4_000), 'long.txt');
    const alsoLong = await upload(sentence.repeat(3_000), 'also-long.txt');
    const short = await upload('Short.', 'short.txt');
    const [, answer] = await ask([long, short, alsoLong]);
    const [first, second, third] = answer!.files.map(({ charactersRead }) => charactersRead!);
    expect(second).toBe(6);
    expect(first).toBeGreaterThan(tinyModelContext / 4);
    expect(first).toBeLessThan(long.characters);
    expect(Math.abs(first! - third!)).toBeLessThanOrEqual(2);
  });

  test('the next question still has them, and so has an edited one', async () => {
    const file = await upload('Remember me.', 'memo.txt');
    const conversation = await server.newConversation();
    const short = { maxTokens: 8 };
    await collect(server.ask(conversation, { content: 'One', fileIds: [file.id], sampling: short }));
    await collect(server.ask(conversation, { content: 'Two', sampling: short }));
    const messages = await server.messages(conversation);
    expect(messages.map(({ files }) => files.map(({ charactersRead }) => charactersRead))).toEqual([
      [null],
      [12],
      [],
      [12],
    ]);
    const regenerated = await collect(
      server.events(`/api/messages/${messages[3]!.id}/regenerate`, { body: { sampling: short } }),
    );
    expect((regenerated.at(-1) as { answer: Message }).answer.files).toMatchObject([
      { id: file.id, charactersRead: 12 },
    ]);
  });

  test('files that are not there or not ready are refused, and the question is not stored', async () => {
    const failed = await upload(Buffer.from([0, 1, 2]));
    const conversation = await server.newConversation();
    const missing = `${createHash('sha256').update('x').digest('hex').slice(0, 8)}-0000-7000-8000-000000000000`;
    for (const [id, status] of [
      [failed.id, 409],
      [missing, 404],
      ['nonsense', 400],
    ] as const) {
      const body = { content: 'Read', fileIds: [id] };
      expect((await server.fetch(`/api/conversations/${conversation.id}/messages`, { body })).status).toBe(status);
    }
    const many = { content: 'Read', fileIds: Array.from({ length: 9 }, () => missing) };
    expect((await server.fetch(`/api/conversations/${conversation.id}/messages`, { body: many })).status).toBe(400);
    expect(await server.messages(conversation)).toEqual([]);
  });
});
