import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PpoRecipe, policyReportSchema, ppoRecipeSchema, rewardRecipeSchema } from '@parley/contracts';
import { loadModel, readMetrics } from '@parley/lm/checkpoint';
import { answerLogProbabilities, measureTokens } from '@parley/lm/episodes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StoppedError } from './interruption.ts';
import { policyGradient, tokenRewards } from './policy-gradient.ts';
import { BatchSource, divergences, openInputs, summarise } from './policy-run.ts';
import { ppo } from './ppo.ts';
import { reward } from './reward.ts';
import type { RewardFunction } from './reward-source.ts';
import { writeRankings, writeTinyChat } from './testing/tiny-chat.ts';

let folder: string;
const path = (...names: string[]) => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-ppo-'));
  writeTinyChat(path('chat'));
  const prompts = Array.from({ length: 40 }, (_, index) => ({ prompt: index % 2 ? `say ${index}` : `说 ${index}` }));
  writeFileSync(path('prompts.jsonl'), prompts.map((line) => JSON.stringify(line)).join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recipe = (out: string, changes: Partial<PpoRecipe> = {}): PpoRecipe =>
  ppoRecipeSchema.parse({
    model: path('chat'),
    prompts: path('prompts.jsonl'),
    out: path(out),
    steps: 4,
    batch: 16,
    minibatches: 2,
    maxTokens: 12,
    noEndScore: 0,
    learningRate: 3e-3,
    valueRate: 3e-3,
    warmup: 0,
    checkpointEvery: 2,
    precision: 'f32',
    ...changes,
  });
/** The share of letters in an answer, as bytes without any would be hard to read. */
const letters: RewardFunction = (_, answer) => (answer.match(/[a-z]/g)?.length ?? 0) / 6;
const run = (out: string, changes: Partial<PpoRecipe> = {}, rewardFunction: RewardFunction | null = letters) =>
  ppo(recipe(out, changes), { quiet: true, ...(rewardFunction && { rewardFunction }) });
const weightsOf = (out: string) => readFileSync(path(out, 'model', 'model.safetensors'));

describe('a batch', () => {
  test('has a ratio of 1 everywhere before the first step, and divides into parts of any size', async () => {
    const settings = recipe('none');
    const inputs = await openInputs(settings, { rewardFunction: letters });
    const batch = await new BatchSource(settings, inputs).draw(0);
    const { model: policy } = inputs.policy;
    // What the sampling pass said is what a forward pass over the whole answers says.
    const again = measureTokens(policy, batch.rollouts, answerLogProbabilities, 1000);
    for (const [index, { logProbabilities }] of batch.rollouts.entries()) {
      for (const [t, value] of logProbabilities.entries()) expect(value).toBeCloseTo(again[index]![t]!, 4);
    }
    const advantages = batch.rollouts.map(({ answer }, index) =>
      Float32Array.from(answer, (_, t) => Math.sin(index + t)),
    );
    const members = batch.rollouts.map((_, index) => index);
    const count = batch.rollouts.reduce((sum, { answer }) => sum + answer.length, 0);
    const gradientOf = (tokens: number) => {
      const { loss, divergence, clipped, entropy } = policyGradient(
        policy,
        batch,
        advantages,
        members,
        { clipRatio: 0.2, tokens },
        count,
      );
      expect(clipped).toBe(0);
      expect(divergence / count).toBeLessThan(1e-7);
      return { loss, entropy, gradient: policy.parameters.gradients.slice() };
    };
    const [whole, single] = [gradientOf(100_000), gradientOf(1)];
    expect(Math.abs(single.loss - whole.loss)).toBeLessThan(1e-6 * Math.abs(whole.loss));
    expect(single.entropy).toBeCloseTo(whole.entropy, 2);
    // The mean surprise of what was drawn estimates the entropy of what it was drawn from.
    const surprise = -batch.rollouts
      .flatMap(({ logProbabilities }) => [...logProbabilities])
      .reduce((a, b) => a + b, 0);
    expect(Math.abs(surprise / whole.entropy - 1)).toBeLessThan(0.05);
    const difference = Math.hypot(...whole.gradient.map((value, index) => value - single.gradient[index]!));
    expect(difference / Math.hypot(...whole.gradient)).toBeLessThan(1e-6);

    // Nothing has been learned yet: policy and reference are one, and only the score remains of the rewards.
    expect(Math.max(...divergences(batch).map(Math.abs))).toBeLessThan(1e-3);
    for (const [index, rewards] of tokenRewards(batch, 0.1).entries()) {
      expect(rewards.reduce((sum, value) => sum + value, 0)).toBeCloseTo(batch.scores[index]!, 3);
    }
    for (const [index, { ended }] of batch.rollouts.entries()) if (!ended) expect(batch.scores[index]).toBe(0);
    expect(summarise(batch).length).toBeCloseTo(count / 16, 6);
  });
});

test('earns more reward, reports and leaves a model that loads', async () => {
  const report = policyReportSchema.parse(await run('whole', { steps: 40, dump: true }));
  expect(report.last.reward).toBeGreaterThan(report.first.reward * 2);
  expect(report.last.kl).toBeGreaterThan(0.1);
  expect(report.share.generate + report.share.score + report.share.learn).toBeCloseTo(1, 6);
  expect(loadModel(path('whole', 'model')).manifest).toMatchObject({ stage: 'ppo', parent: { name: 'tiny-chat' } });
  expect(readdirSync(path('whole', 'episodes'))).toHaveLength(40);
  const [line] = readFileSync(path('whole', 'episodes', 'step-3.jsonl'), 'utf8').split('\n');
  const episode = JSON.parse(line!);
  for (const key of ['logProbabilities', 'reference', 'rewards', 'values', 'advantages', 'returns']) {
    expect(episode[key]).toHaveLength(episode.tokens.length);
  }
  expect(readFileSync(path('whole', 'report.md'), 'utf8')).toContain('reward.svg');
});

test('counts floating-point operations by formula', async () => {
  await run('counted', { steps: 1, dump: true, earlyStop: 100 });
  const [metric] = readMetrics(path('counted', 'metrics.jsonl'));
  const lines = readFileSync(path('counted', 'episodes', 'step-1.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const episodes = lines.map((line) => JSON.parse(line) as { promptTokens: number[]; tokens: number[] });
  const answered = episodes.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const read = episodes.reduce((sum, { promptTokens }) => sum + promptTokens.length, answered);
  // Two blocks of q|k|v 96 x 32, output 32 x 32, gate|up 128 x 32, down 32 x 64 and two norms; a norm of 32.
  const blocks = 2 * (3072 + 1024 + 4096 + 2048 + 64) + 32;
  const writing = 2 * (blocks * (read - 16) + 260 * 32 * answered);
  const policy = 2 * (blocks * read + 260 * 32 * answered);
  const critic = 2 * (blocks * read + 32 * answered);
  // Written, seen by the reference and the critic; two epochs of a forward and a backward pass of both.
  expect(metric!.flops).toBe(writing + policy + critic + 2 * 3 * (policy + critic));
  expect(metric!.entropy).toBeGreaterThan(0);
  expect(metric!.entropy).toBeLessThan(Math.log(260));
});

test('a run that was stopped and resumed ends with the same bits', async () => {
  await run('short');
  const stopped = run('stopped');
  await new Promise((resolve) => setImmediate(resolve));
  process.emit('SIGINT');
  await expect(stopped).rejects.toThrow(StoppedError);
  await run('stopped');
  expect(weightsOf('stopped')).toEqual(weightsOf('short'));
  const rewards = (out: string) => readMetrics(path(out, 'metrics.jsonl')).map((metric) => metric.reward);
  expect(rewards('stopped')).toEqual(rewards('short'));
});

test('learns from a reward model, whose copy is the critic, and keeps text in mind', async () => {
  writeRankings(path('rankings.jsonl'), 300);
  await reward(
    rewardRecipeSchema.parse({
      model: path('chat'),
      preferences: path('rankings.jsonl'),
      out: path('reward'),
      learningRate: 3e-3,
      precision: 'f32',
    }),
    { quiet: true },
  );
  writeFileSync(path('text.txt'), 'the cat sat on the mat. '.repeat(400));
  const changes = {
    steps: 30,
    maxTokens: 40,
    pretrainingWeight: 0.1,
    rewardModel: path('reward', 'model'),
    pretraining: path('text.txt'),
  };
  const report = await run('by-model', { ...changes, noEndScore: -6 }, null);
  expect(report.last.reward).toBeGreaterThan(report.first.reward + 0.3);
  expect(existsSync(path('by-model', 'text'))).toBe(true);
});

describe('what goes wrong is said, and the directory stays usable', () => {
  test.each<[string, RewardFunction, RegExp]>([
    ['not a number', () => Number.NaN, /gave NaN for prompt "(say|说) \d+" and answer .*must give a finite number/],
    [
      'an exception',
      () => {
        throw new Error('no such judge');
      },
      /threw for prompt .* and answer .*: no such judge/,
    ],
    ['a constant', () => 1, /the reward was 1 for every answer of three batches/],
  ])('%s', async (name, bad, message) => {
    // Long answers end at some point, so that the reward is asked.
    await expect(run(name, { maxTokens: 60 }, bad)).rejects.toThrow(message);
    await run(name, { maxTokens: 60 });
    expect(existsSync(path(name, 'model', 'model.safetensors'))).toBe(true);
  });

  test('a policy that runs away from its reference', async () => {
    await expect(run('away', { learningRate: 0.1, earlyStop: 100, klLimit: 1, steps: 30 })).rejects.toThrow(
      /diverge from the reference by .* nats on average, more than the limit of 1; .*Raise --beta/,
    );
  });

  test('settings that cannot be', async () => {
    await expect(run('a', { minibatches: 3 })).rejects.toThrow(/3 does not divide the batch of 16/);
    await expect(run('b', {}, null)).rejects.toThrow(/give either --reward-model FOLDER or --reward FILE/);
    await expect(run('c', { rewardModel: path('chat') }, null)).rejects.toThrow(/continues texts and gives no rewards/);
    await expect(run('d', { reward: path('nowhere.ts') }, null)).rejects.toThrow(/there is no file .*nowhere\.ts/);
    writeFileSync(path('empty.mjs'), 'export const reward = 1;');
    await expect(run('e', { reward: path('empty.mjs') }, null)).rejects.toThrow(/no default export that is a function/);
    await expect(run('f', { maxTokens: 90 })).rejects.toThrow(/no prompt .* leaves room for 90 tokens.*--max-tokens/);
  });
});
