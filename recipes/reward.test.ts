import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RewardRecipe, rewardRecipeSchema, rewardReportSchema } from '@parley/contracts';
import { loadModel } from '@parley/lm/checkpoint';
import { readPreferences } from '@parley/lm/data';
import { encodeEpisode, measureScores } from '@parley/lm/episodes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StoppedError } from './interruption.ts';
import { reward } from './reward.ts';
import { writeRankings, writeTinyChat } from './testing/tiny-chat.ts';

let folder: string;
const path = (...names: string[]) => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-reward-'));
  writeTinyChat(path('chat'));
  writeRankings(path('rankings.jsonl'), 400);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recipe = (out: string, changes: Partial<RewardRecipe> = {}): RewardRecipe =>
  rewardRecipeSchema.parse({
    model: path('chat'),
    preferences: path('rankings.jsonl'),
    out: path(out),
    learningRate: 3e-3,
    batch: 8,
    precision: 'f32',
    ...changes,
  });
const weightsOf = (out: string) => readFileSync(path(out, 'model', 'model.safetensors'));

test('orders held-out answers as people did, and says how it knows', async () => {
  const report = rewardReportSchema.parse(await reward(recipe('whole'), { quiet: true }));
  expect(report.heldOutPairs).toBeGreaterThan(60);
  expect(report.accuracy).toBeGreaterThan(0.8);
  expect(report.byLanguage.zh!.pairs + report.byLanguage.en!.pairs).toBe(report.heldOutPairs);
  expect(report.byLanguage.zh!.accuracy).toBeGreaterThan(0.7);
  const byLength = Object.values(report.byLength);
  expect(byLength.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(report.heldOutPairs);
  expect(report.longerWins.people).toBeGreaterThan(0.5);
  for (const { from, to, predicted, pairs } of report.calibration) {
    if (pairs > 0) expect(predicted >= from && predicted <= to).toBe(true);
  }
  expect(report.calibration.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(report.heldOutPairs);
});

test('the model loads as a scorer whose liked answers average 0', () => {
  const { model, tokenizer, manifest } = loadModel(path('whole', 'model'));
  expect(manifest).toMatchObject({ stage: 'reward', parent: { name: 'tiny-chat' } });
  expect(model.config.architectures).toEqual(['LlamaForSequenceClassification']);
  const score = (answer: string) =>
    measureScores(model, [encodeEpisode(tokenizer, [{ role: 'user', content: 'say 7' }], answer, 96)], 1000)[0]!;
  expect(score('zzzzzzzz')).toBeGreaterThan(score('abababab') + 1);
  const best = readPreferences(path('rankings.jsonl')).comparisons.map(
    ({ answers, ranking }) => answers[ranking.indexOf(1)]!,
  );
  const mean = best.slice(0, 100).reduce((sum, answer) => sum + score(answer), 0) / 100;
  expect(Math.abs(mean)).toBeLessThan(0.5);
});

test('a run that was stopped and resumed ends with the same bits', async () => {
  // The first step is done when the call returns its promise.
  const stopped = reward(recipe('stopped'), { quiet: true });
  process.emit('SIGINT');
  await expect(stopped).rejects.toThrow(StoppedError);
  await reward(recipe('stopped'), { quiet: true });
  expect(weightsOf('stopped')).toEqual(weightsOf('whole'));
});

test('how many places are computed at once changes nothing but rounding', async () => {
  const parts = await reward(recipe('parts', { tokens: 60 }), { quiet: true });
  const whole = JSON.parse(readFileSync(path('whole', 'report.json'), 'utf8'));
  expect(parts.accuracy).toBeCloseTo(whole.accuracy, 1);
});

test('single thumbs alone teach as well', async () => {
  const thumbs = Array.from({ length: 300 }, (_, index) => ({
    prompt: `q${index}`,
    answer: index % 2 ? 'zzzz' : 'aaaa',
    thumb: index % 2 ? 'up' : 'down',
  }));
  writeFileSync(path('thumbs.jsonl'), thumbs.map((line) => JSON.stringify(line)).join('\n'));
  const report = await reward(recipe('thumbs', { preferences: path('thumbs.jsonl') }), { quiet: true });
  expect(report).toMatchObject({ comparisons: 0, heldOutPairs: 0 });
  const { model, tokenizer } = loadModel(path('thumbs', 'model'));
  const [up, down] = ['zzzz', 'aaaa'].map((answer) =>
    encodeEpisode(tokenizer, [{ role: 'user', content: 'x' }], answer, 96),
  );
  const scores = measureScores(model, [up!, down!], 1000);
  expect(scores[0]).toBeGreaterThan(scores[1]! + 1);
});

test('bad input is named, and the directory stays usable', async () => {
  const long = { prompt: 'a', chosen: 'x'.repeat(500), rejected: 'y' };
  writeFileSync(path('long.jsonl'), JSON.stringify(long));
  const attempt = (changes: Partial<RewardRecipe>) => reward(recipe('bad', changes), { quiet: true });
  await expect(attempt({ preferences: path('long.jsonl') })).rejects.toThrow(
    /1 preferences do not fit a context of 96/,
  );
  await expect(attempt({ preferences: path('nowhere.jsonl') })).rejects.toThrow(/nowhere\.jsonl/);
  await expect(reward(recipe('whole', { seed: 9 }), { quiet: true })).rejects.toThrow(/seed = 1, not 9/);
});
