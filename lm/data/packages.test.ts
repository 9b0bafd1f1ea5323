import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchPackages } from './fetch.ts';
import { makeArchive } from './fixtures.ts';
import { PackageCache } from './packages.ts';

const archive = makeArchive({ 'a.txt': 'alpha', 'b.txt': 'beta' });
const wanted = {
  name: '@scope/sample',
  version: '1.0.0',
  integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
};

let home: string;
let cache: PackageCache;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'parley-home-'));
  cache = new PackageCache(home);
  mkdirSync(dirname(cache.path(wanted)), { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true }));

it('reads the texts of a verified archive', async () => {
  writeFileSync(cache.path(wanted), archive);
  const texts = [];
  for await (const file of cache.texts(wanted, /^b/)) texts.push(file);
  expect(texts).toEqual([{ name: 'b.txt', text: 'beta' }]);
});

it('says what is missing and how to get it', async () => {
  await expect(cache.verify(wanted)).rejects.toThrow(/@scope\/sample@1\.0\.0 .*parley data fetch/);
});

it('names a damaged archive, both hashes and the remedy', async () => {
  const damaged = Buffer.from(archive);
  damaged[damaged.length - 9]! ^= 1;
  writeFileSync(cache.path(wanted), damaged);
  await expect(cache.verify(wanted)).rejects.toThrow(/scope-sample-1\.0\.0\.tgz .*pinned to sha512-.*fetch again/);
});

it('lists the known presets when one is unknown', async () => {
  await expect(fetchPackages('huge', { home })).rejects.toThrow(/'huge'.*quick.*assistant/);
});
