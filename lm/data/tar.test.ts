import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeArchive, tarEntry } from './fixtures.ts';
import { readArchive } from './tar.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-tar-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(bytes: Buffer, wanted: (name: string) => boolean = () => true): Promise<Record<string, string>> {
  const path = join(folder, 'archive.tgz');
  writeFileSync(path, bytes);
  const files: Record<string, string> = {};
  for await (const file of readArchive(path, wanted)) files[file.name] = file.bytes.toString();
  return files;
}

describe('readArchive', () => {
  it('gives every file its bytes, whatever their length', async () => {
    const files = {
      'empty.txt': '',
      'short.txt': '你好',
      'block.txt': 'x'.repeat(512),
      'long.txt': 'yz'.repeat(400_000),
    };
    expect(await read(makeArchive(files))).toEqual(files);
  });

  it('skips what is not wanted', async () => {
    const files = { 'a.txt': 'a'.repeat(3000), 'b.md': 'b', 'c.txt': 'c' };
    expect(await read(makeArchive(files), (name) => name.endsWith('.md'))).toEqual({ 'b.md': 'b' });
  });

  it('takes long names from pax and GNU headers, and ignores folders', async () => {
    const long = `package/${'deep/'.repeat(30)}file.txt`;
    const record = ` path=${long}\n`;
    const pax = Buffer.from(`${record.length + 3}${record}`);
    const archive = gzipSync(
      Buffer.concat([
        ...tarEntry('package/folder/', '5', Buffer.alloc(0)),
        ...tarEntry('pax', 'x', pax),
        ...tarEntry('package/short', '0', Buffer.from('one')),
        ...tarEntry('././@LongLink', 'L', Buffer.from(`${long}2\0`)),
        ...tarEntry('package/short', '0', Buffer.from('two')),
        Buffer.alloc(1024),
      ]),
    );
    const name = long.replace('package/', '');
    expect(await read(archive)).toEqual({ [name]: 'one', [`${name}2`]: 'two' });
  });

  it('names a truncated or foreign file and the way to mend it', async () => {
    const whole = makeArchive({ 'a.txt': 'text '.repeat(10_000) });
    await expect(read(whole.subarray(0, whole.length - 40))).rejects.toThrow(/archive\.tgz.*fetch again/);
    await expect(read(Buffer.from('not gzip at all'))).rejects.toThrow(/archive\.tgz.*fetch again/);
  });
});
