import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTinyChat } from '@parley/recipes/testing/tiny-chat';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { benchGeneration, benchPpo } from './index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-bench-ppo-test-'));
  writeTinyChat(join(folder, 'chat'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('whole batches of known dimensions: every answer runs to its full length', async () => {
  const result = await benchPpo({ size: 'quick', batch: 4, prompt: 5, maxTokens: 6, steps: 1 });
  expect(result.size).toMatchObject({ name: 'quick', layers: 4, width: 192, vocabulary: 4096, batch: 4 });
  expect(result.size).toMatchObject({ promptTokens: 5, answerTokens: 6, epochs: 2, minibatches: 4 });
  const { generate, score, learn } = result.share;
  expect(Math.min(generate, score, learn)).toBeGreaterThan(0);
  expect(generate + score + learn).toBeCloseTo(1, 9);
  expect(result.secondsPer1000Episodes).toBeGreaterThan(0);
});

test('a model from a folder answers the questions of every evaluation', async () => {
  const size = { folder: join(folder, 'chat') };
  const result = await benchPpo({ size, batch: 4, prompt: 5, maxTokens: 3, steps: 1 });
  expect(result.size).toMatchObject({ name: 'tiny-chat', layers: 2, width: 32 });
  expect(result.size.promptTokens).toBeGreaterThan(10);
  expect(result.size.answerTokens).toBeLessThanOrEqual(3);
});

test.each(['of known dimensions', 'from a folder, though its answers would end by themselves'])(
  'generation of a model %s is measured at batch 1 and 64',
  async (which) => {
    const size = which === 'of known dimensions' ? 'quick' : { folder: join(folder, 'chat') };
    const { batch1, batch64, ratio } = await benchGeneration(size);
    expect(ratio).toBeCloseTo(batch64 / batch1, 9);
    expect(batch64).toBeGreaterThan(batch1);
  },
);
