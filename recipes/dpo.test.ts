import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DpoRecipe, dpoRecipeSchema, dpoReportSchema } from '@parley/contracts';
import { loadModel } from '@parley/lm/checkpoint';
import { answerLogProbabilities, encodeEpisode, measureTokens } from '@parley/lm/episodes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dpo } from './dpo.ts';
import { StoppedError } from './interruption.ts';
import { writeRankings, writeTinyChat } from './testing/tiny-chat.ts';

let folder: string;
const path = (...names: string[]) => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-dpo-'));
  writeTinyChat(path('chat'));
  writeRankings(path('rankings.jsonl'), 150);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (out: string, changes: Partial<DpoRecipe> = {}) =>
  dpo(
    dpoRecipeSchema.parse({
      model: path('chat'),
      preferences: path('rankings.jsonl'),
      out: path(out),
      learningRate: 1e-3,
      batch: 8,
      precision: 'f32',
      ...changes,
    }),
    { quiet: true },
  );
const weights = (out: string) => readFileSync(path(out, 'model', 'model.safetensors'));

test('comes to find what people chose more likely than before, and what they rejected less', async () => {
  const report = dpoReportSchema.parse(await run('whole'));
  expect(report.heldOutPairs).toBeGreaterThan(20);
  expect(report.accuracy).toBeGreaterThan(0.8);
  expect(report.heldOutLoss).toBeLessThan(Math.LN2 - 0.1);
  const gain = (answer: string) => {
    const [after, before] = ['whole/model', 'chat'].map((name) => {
      const { model, tokenizer } = loadModel(path(name));
      const episode = encodeEpisode(tokenizer, [{ role: 'user', content: 'say 3' }], answer, 96);
      return measureTokens(model, [episode], answerLogProbabilities, 1000)[0]!.reduce((sum, value) => sum + value, 0);
    });
    return after! - before!;
  };
  expect(gain('zzzzzz')).toBeGreaterThan(gain('ababab') + 1);
});

test('a run that was stopped and resumed ends with the same bits', async () => {
  const stopped = run('stopped');
  process.emit('SIGINT');
  await expect(stopped).rejects.toThrow(StoppedError);
  await run('stopped');
  expect(weights('stopped')).toEqual(weights('whole'));
});

test('single thumbs are no pairs', async () => {
  writeFileSync(path('thumbs.jsonl'), JSON.stringify({ prompt: 'a', answer: 'b', thumb: 'up' }));
  await expect(run('thumbs', { preferences: path('thumbs.jsonl'), heldOut: 0 })).rejects.toThrow(
    /holds single thumbs only/,
  );
});
