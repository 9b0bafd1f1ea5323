import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readDemonstrations } from './documents.ts';
import { readPreferences } from './preferences.ts';
import { readSnapshotIds, takeSnapshot } from './snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-snapshot-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, ...lines: object[]) => {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'));
  return path;
};
const thumb = (answer: string) => ({ prompt: 'a?', answer, thumb: answer === 'good' ? 'up' : 'down', author: 'ann' });
const pairs = file('pairs.jsonl', { prompt: 'b?', chosen: 'x', rejected: 'y' });
const out = join(folder, 'snapshots');

test('holds every line as it was given, under the hash of them all', () => {
  const taken = takeSnapshot(out, [thumb('good'), thumb('bad')], [pairs]);
  expect(taken.snapshot).toMatchObject({
    lines: { rankings: 0, pairs: 1, thumbs: 2, demonstrations: 0, labels: 0 },
    sources: [
      { name: 'server', lines: 2 },
      { name: 'pairs.jsonl', lines: 1 },
    ],
  });
  expect(taken.folder).toBe(join(out, taken.snapshot.hash.slice(0, 12)));
  const text = readFileSync(join(taken.folder, 'preferences.jsonl'), 'utf8');
  expect(JSON.parse(text.split('\n')[0]!)).toEqual(thumb('good'));
  const { comparisons, hash } = readPreferences(taken.folder);
  expect(comparisons.map(({ answers }) => answers)).toEqual([
    ['x', 'y'],
    ['good', 'bad'],
  ]);
  expect(hash).toBe(taken.snapshot.hash);
});

test('is the same for the same lines, and another one when a thumb was taken back', () => {
  const first = takeSnapshot(out, [thumb('good'), thumb('bad')], [pairs]);
  const again = takeSnapshot(out, [thumb('good'), thumb('bad')], [pairs]);
  expect(again).toEqual(first);
  const fewer = takeSnapshot(out, [thumb('good')], [pairs]);
  expect(fewer.snapshot.hash).not.toBe(first.snapshot.hash);
  expect(readFileSync(join(fewer.folder, 'preferences.jsonl'), 'utf8')).not.toContain('bad');
  expect(readdirSync(out)).toHaveLength(2);
});

test('keeps demonstrations apart from preferences, under one hash, and knows whose lines it holds', () => {
  const conversation = (id: string) => ({
    ...{ id, language: 'en', task: 'people', source: 'people' },
    messages: [
      { role: 'user', content: 'a?' },
      { role: 'assistant', content: 'A' },
    ],
  });
  const said = [{ ...thumb('good'), id: 't' }, conversation('d'), thumb('bad')];
  const { folder: taken, snapshot } = takeSnapshot(out, said, []);
  expect(snapshot.lines).toEqual({ rankings: 0, pairs: 0, thumbs: 2, demonstrations: 1, labels: 0 });
  expect(readPreferences(taken)).toMatchObject({ hash: snapshot.hash, comparisons: [{ answers: ['good', 'bad'] }] });
  const demonstrations = join(taken, 'demonstrations.jsonl');
  expect(readDemonstrations(demonstrations, 'train')).toEqual([conversation('d')]);
  expect(readSnapshotIds(taken)).toEqual(new Set(['t', 'd']));

  const other = takeSnapshot(out, [said[0]!, conversation('e'), said[2]!], []);
  expect(other.folder).not.toBe(taken);
  rmSync(demonstrations);
  expect(() => readPreferences(taken)).toThrow(/was changed after it was taken/);
});

test('cannot be changed unnoticed', () => {
  const { folder: taken } = takeSnapshot(out, [thumb('good')], []);
  const path = join(taken, 'preferences.jsonl');
  expect(statSync(path).mode & 0o222).toBe(0);
  chmodSync(path, 0o644);
  writeFileSync(path, `${JSON.stringify(thumb('bad'))}\n`);
  expect(() => readPreferences(taken)).toThrow(/was changed after it was taken/);
  expect(() => takeSnapshot(out, [thumb('good')], [])).toThrow(/was changed after it was taken/);
});

test('nothing, and lines of no known shape, are refused', () => {
  expect(() => takeSnapshot(out, [], [])).toThrow(/nothing to freeze/);
  expect(() => takeSnapshot(out, [], [file('odd.jsonl', { text: 'hello' })])).toThrow(/odd\.jsonl:1 has neither/);
});
