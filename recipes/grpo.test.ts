import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GrpoRecipe, grpoRecipeSchema } from '@parley/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grpo } from './grpo.ts';
import { StoppedError } from './interruption.ts';
import type { RewardFunction } from './reward-source.ts';
import { writeTinyChat } from './testing/tiny-chat.ts';

let folder: string;
const path = (...names: string[]) => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-grpo-'));
  writeTinyChat(path('chat'));
  const prompts = Array.from({ length: 20 }, (_, index) => ({ prompt: `say ${index}` }));
  writeFileSync(path('prompts.jsonl'), prompts.map((line) => JSON.stringify(line)).join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const letters: RewardFunction = (_, answer) => (answer.match(/[a-z]/g)?.length ?? 0) / 6;
const run = (out: string, changes: Partial<GrpoRecipe> = {}) =>
  grpo(
    grpoRecipeSchema.parse({
      model: path('chat'),
      prompts: path('prompts.jsonl'),
      out: path(out),
      steps: 4,
      batch: 16,
      group: 4,
      maxTokens: 12,
      noEndScore: 0,
      learningRate: 3e-3,
      warmup: 0,
      dump: true,
      precision: 'f32',
      ...changes,
    }),
    { quiet: true, rewardFunction: letters },
  );

test('judges the answers to a prompt by each other, and earns more reward', async () => {
  const report = await run('whole', { steps: 40, maxTokens: 30 });
  expect(report.last.reward).toBeGreaterThan(report.first.reward * 1.5);
  const episodes = readFileSync(path('whole', 'episodes', 'step-40.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (let first = 0; first < 16; first += 4) {
    const group = episodes.slice(first, first + 4);
    expect(new Set(group.map(({ messages }) => JSON.stringify(messages))).size).toBe(1);
    const advantages = group.map(({ advantages }) => advantages[0]);
    expect(advantages.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 4);
    const byScore = [...group].sort((a, b) => a.score - b.score).map(({ advantages }) => advantages[0]);
    expect(byScore).toEqual([...byScore].sort((a, b) => a - b));
    for (const { advantages, tokens } of group) {
      expect(advantages).toHaveLength(tokens.length);
      expect(new Set(advantages).size).toBe(1);
    }
  }
});

test('a run that was stopped and resumed ends with the same bits', async () => {
  await run('short');
  const stopped = run('stopped');
  await new Promise((resolve) => setImmediate(resolve));
  process.emit('SIGINT');
  await expect(stopped).rejects.toThrow(StoppedError);
  await run('stopped');
  const weights = (out: string) => readFileSync(path(out, 'model', 'model.safetensors'));
  expect(weights('stopped')).toEqual(weights('short'));
});

test('a group that does not divide the batch is named', async () => {
  await expect(run('odd', { group: 5 })).rejects.toThrow(/--group 5 does not divide the batch of 16/);
});
