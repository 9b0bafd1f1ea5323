import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskFullError, removePartials, writeFileAtomic, writeFolderAtomic } from './atomic.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function* failingAfter(text: string, error: Error): Iterable<Uint8Array> {
  yield Buffer.from(text);
  throw error;
}

describe('writeFileAtomic', () => {
  it('writes text, bytes and streams, making folders', () => {
    const path = join(folder, 'a', 'b', 'x');
    writeFileAtomic(path, '中文');
    expect(readFileSync(path, 'utf8')).toBe('中文');
    writeFileAtomic(path, Uint8Array.of(1, 2));
    expect([...readFileSync(path)]).toEqual([1, 2]);
    writeFileAtomic(path, [Uint8Array.of(3), Uint8Array.of(4)]);
    expect([...readFileSync(path)]).toEqual([3, 4]);
    expect(readdirSync(join(folder, 'a', 'b'))).toEqual(['x']);
  });

  it('keeps the old content and leaves nothing behind when the content fails half-way', () => {
    const path = join(folder, 'x');
    writeFileAtomic(path, 'old');
    expect(() => writeFileAtomic(path, failingAfter('new', new Error('broke')))).toThrow('broke');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['x']);
  });

  it('says that the disk is full, and where', () => {
    const path = join(folder, 'x');
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    expect(() => writeFileAtomic(path, failingAfter('new', full))).toThrow(DiskFullError);
    expect(() => writeFileAtomic(path, failingAfter('new', full))).toThrow(`could not write ${path}: the disk is full`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(process.platform === 'win32')('survives a real limit on the size of files', () => {
    const path = join(folder, 'x');
    writeFileSync(path, 'old');
    const program = `import { writeFileAtomic } from ${JSON.stringify(new URL('atomic.ts', import.meta.url).href)};
      try { writeFileAtomic(${JSON.stringify(path)}, Buffer.alloc(1 << 20)); } catch (error) { console.log(error.name, error.message); }`;
    const script = join(folder, 'write.mts');
    writeFileSync(script, program);
    const output = execFileSync('bash', ['-c', 'ulimit -f 64; exec "$0" --import tsx "$1"', process.execPath, script], {
      encoding: 'utf8',
    });
    expect(output).toMatch(/^DiskFullError could not write .*x: the disk is full/);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).sort()).toEqual(['write.mts', 'x']);
  });
});

describe('writeFolderAtomic', () => {
  it('shows the folder only when it is filled, and replaces an older one as a whole', () => {
    const path = join(folder, 'model');
    writeFolderAtomic(path, (temporary) => {
      writeFileSync(join(temporary, 'old'), '');
      expect(existsSync(path)).toBe(false);
    });
    writeFolderAtomic(path, (temporary) => {
      mkdirSync(join(temporary, 'inner'));
      writeFileSync(join(temporary, 'inner', 'new'), '');
    });
    expect(readdirSync(path)).toEqual(['inner']);
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('keeps the older folder when filling fails', () => {
    const path = join(folder, 'model');
    writeFolderAtomic(path, (temporary) => writeFileSync(join(temporary, 'old'), ''));
    expect(() =>
      writeFolderAtomic(path, (temporary) => {
        writeFileSync(join(temporary, 'new'), '');
        throw Object.assign(new Error(), { code: 'ENOSPC' });
      }),
    ).toThrow(DiskFullError);
    expect(readdirSync(path)).toEqual(['old']);
    expect(readdirSync(folder)).toEqual(['model']);
  });

  it('removes what killed writers left', () => {
    writeFileSync(join(folder, 'x.partial-123'), '');
    mkdirSync(join(folder, 'model.partial-123-old'));
    writeFileSync(join(folder, 'partial-1'), '');
    removePartials(folder);
    expect(readdirSync(folder)).toEqual(['partial-1']);
  });
});
