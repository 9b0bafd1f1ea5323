import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readPreferences, readPrompts } from './preferences.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-preferences-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (...lines: unknown[]) => {
  const path = join(folder, 'lines.jsonl');
  writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return path;
};
const user = (content: string) => [{ role: 'user', content }];

test('rankings, pairs of both kinds and thumbs come out as comparisons and judgements', () => {
  const { comparisons, judgements, hash } = readPreferences(
    file(
      { prompt: 'a?', answers: ['x', 'y', 'z'], ranking: [2, 1, 2], author: 'ann', comment: 'fine' },
      '',
      { prompt: user('b?'), chosen: 'good', rejected: 'bad' },
      { prompt: 'c?', chosen: [...user('c?'), { role: 'assistant', content: 'yes' }], rejected: 'no' },
      { prompt: 'd?', answer: 'liked', thumb: 'up' },
      { prompt: 'd?', answer: 'disliked', thumb: 'down' },
      { prompt: 'e?', answer: 'alone', thumb: 'down' },
    ),
  );
  expect(comparisons).toEqual([
    { prompt: user('a?'), answers: ['x', 'y', 'z'], ranking: [2, 1, 2] },
    { prompt: user('b?'), answers: ['good', 'bad'], ranking: [1, 2] },
    { prompt: user('c?'), answers: ['yes', 'no'], ranking: [1, 2] },
    { prompt: user('d?'), answers: ['liked', 'disliked'], ranking: [1, 2] },
  ]);
  expect(judgements).toEqual([{ prompt: user('e?'), answer: 'alone', up: false }]);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
});

test('people who ranked the same answers are merged, in whatever order they saw them', () => {
  const { comparisons } = readPreferences(
    file(
      { prompt: 'a?', answers: ['x', 'y'], ranking: [1, 2] },
      { prompt: 'a?', answers: ['y', 'x'], ranking: [2, 1] },
      { prompt: 'a?', answers: ['x', 'y'], ranking: [2, 1] },
      { prompt: 'a?', answers: ['x', 'w'], ranking: [2, 1] },
    ),
  );
  expect(comparisons.map(({ answers, ranking }) => [answers, ranking])).toEqual([
    [
      ['x', 'y'],
      [1, 2],
    ],
    [
      ['x', 'w'],
      [2, 1],
    ],
  ]);
});

test('thumbs that cancel each other say nothing', () => {
  const { comparisons, judgements } = readPreferences(
    file(
      { prompt: 'a?', answer: 'x', thumb: 'up' },
      { prompt: 'a?', answer: 'x', thumb: 'down' },
      { prompt: 'a?', answer: 'y', thumb: 'up' },
    ),
  );
  expect(comparisons).toEqual([]);
  expect(judgements).toEqual([{ prompt: user('a?'), answer: 'y', up: true }]);
});

test.each([
  [{ prompt: 'a?', answers: ['x'], ranking: [1] }, /lines\.jsonl:1: answers: /],
  [{ prompt: 'a?', answers: ['x', 'y'], ranking: [1] }, /one rank for each/],
  [{ prompt: 'a?', answers: ['x', 'y'], ranking: [0, 1] }, /:1: ranking\.0: /],
  [
    { prompt: [{ role: 'assistant', content: 'a' }], chosen: 'x', rejected: 'y' },
    /must end with a message of the user/,
  ],
  [{ prompt: 'a?', best: 'x' }, /:1 has neither answers and ranking, nor/],
  ['{ "prompt": ', /:1 is not JSON/],
  ['3', /:1 is not a JSON object/],
  ['', /prefers no answer to another/],
  [{ prompt: 'a?', answers: ['x', 'y'], ranking: [1, 1] }, /prefers no answer to another/],
])('says what is wrong with %j', (line, message) => {
  expect(() => readPreferences(file(line))).toThrow(message);
});

test('prompts are what comes before the answer', () => {
  const { prompts } = readPrompts(
    file(
      { prompt: 'a?' },
      { messages: [...user('b?'), { role: 'assistant', content: 'B' }] },
      { messages: user('c?') },
    ),
  );
  expect(prompts).toEqual([user('a?'), user('b?'), user('c?')]);
  expect(() => readPrompts(file({ text: 'a?' }))).toThrow(/lines\.jsonl:1/);
  expect(() => readPrompts(file())).toThrow(/holds no prompts/);
});
