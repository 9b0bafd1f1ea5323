import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PretrainRecipe, pretrainRecipeSchema, pretrainReportSchema } from '@parley/contracts';
import { loadModel, readMetrics } from '@parley/lm/checkpoint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StoppedError } from './interruption.ts';
import { pretrain } from './pretrain.ts';

let folder: string;
let data: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-pretrain-'));
  data = join(folder, 'text.txt');
  writeFileSync(data, 'the cat sat on the mat and the dog sat on the log. '.repeat(200));
});
afterAll(() => rmSync(folder, { recursive: true }));

function recipe(out: string, overrides: Partial<PretrainRecipe> = {}): PretrainRecipe {
  return pretrainRecipeSchema.parse({
    data,
    tokenizer: 'characters',
    out: join(folder, out),
    depth: 2,
    width: 32,
    heads: 2,
    context: 32,
    batch: 4,
    steps: 60,
    learningRate: 3e-3,
    warmup: 5,
    evaluateEvery: 20,
    checkpointEvery: 20,
    ...overrides,
  });
}

const weightsOf = (out: string) => readFileSync(join(folder, out, 'model', 'model.safetensors'));
const lossesOf = (out: string) =>
  readMetrics(join(folder, out, 'metrics.jsonl')).map(({ step, loss, validationLoss }) => ({
    step,
    loss,
    validationLoss,
  }));

/** Stops a run by Ctrl-C after about so many milliseconds of its loop. */
async function interrupted(run: PretrainRecipe, milliseconds: number): Promise<void> {
  const timer = setTimeout(() => process.emit('SIGINT'), milliseconds);
  try {
    await pretrain(run, { quiet: true });
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
  } finally {
    clearTimeout(timer);
  }
}

test('learns, reports and leaves a model that loads', async () => {
  const report = await pretrain(recipe('whole'), { quiet: true });
  expect(pretrainReportSchema.parse(report)).toMatchObject({ tokens: 60 * 4 * 32, vocabulary: 14 });
  expect(report.validationLoss).toBeLessThan(1.5);
  expect(report.bitsPerByte).toBeCloseTo(report.validationLoss / Math.LN2, 1);
  expect(lossesOf('whole').map(({ step }) => step)).toEqual([10, 20, 30, 40, 50, 60]);
  const { manifest } = loadModel(join(folder, 'whole', 'model'));
  expect(manifest).toMatchObject({ name: 'whole', stage: 'pretrain', parent: null, data: { name: 'text.txt' } });
  expect(readFileSync(join(folder, 'whole', 'report.md'), 'utf8')).toContain('loss.svg');
});

test('a run that was stopped and resumed ends with the same bits', async () => {
  const run = recipe('stopped', { checkpointEvery: 7 });
  for (const milliseconds of [150, 250]) await interrupted(run, milliseconds);
  const report = await pretrain(run, { quiet: true });
  expect(weightsOf('stopped')).toEqual(weightsOf('whole'));
  expect(lossesOf('stopped')).toEqual(lossesOf('whole'));
  expect(report.validationLoss).toBe(
    JSON.parse(readFileSync(join(folder, 'whole', 'report.json'), 'utf8')).validationLoss,
  );
});

test('micro-batches give the same training up to rounding', async () => {
  const report = await pretrain(recipe('parts', { accumulate: 2, precision: 'f32' }), { quiet: true });
  const whole = await pretrain(recipe('whole-f32', { precision: 'f32' }), { quiet: true });
  expect(report.validationLoss).toBeCloseTo(whole.validationLoss, 3);
});

test('activation checkpointing changes no bit', async () => {
  await pretrain(recipe('checkpointed', { activationCheckpointing: true }), { quiet: true });
  expect(weightsOf('checkpointed')).toEqual(weightsOf('whole'));
  expect(lossesOf('checkpointed')).toEqual(lossesOf('whole'));
});

test('another seed gives another model', async () => {
  await pretrain(recipe('other-seed', { seed: 2 }), { quiet: true });
  expect(weightsOf('other-seed').equals(weightsOf('whole'))).toBe(false);
});

test('a finished run answers with its report and trains no further', async () => {
  const before = readFileSync(join(folder, 'whole', 'report.json'), 'utf8');
  expect(await pretrain(recipe('whole'), { quiet: true })).toEqual(JSON.parse(before));
});

test('a run does not go on with other settings or other data', async () => {
  await expect(pretrain(recipe('whole', { steps: 70 }), { quiet: true })).rejects.toThrow(/steps = 60, not 70/);
  const changed = join(folder, 'changed.txt');
  writeFileSync(changed, 'something else '.repeat(500));
  await expect(pretrain(recipe('whole', { data: changed }), { quiet: true })).rejects.toThrow(/dataHash/);
});

test('bad input is named with its fix', async () => {
  const attempt = (out: string, overrides: Partial<PretrainRecipe>) =>
    pretrain(recipe(out, overrides), { quiet: true });
  await expect(attempt('a', { data: join(folder, 'missing.txt') })).rejects.toThrow(
    /there is no file or folder .*missing/,
  );
  await expect(attempt('b', { tokenizer: '' })).rejects.toThrow(/give --tokenizer/);
  await expect(attempt('c', { tokenizer: join(folder, 'nowhere') })).rejects.toThrow(/tokenizer.json does not exist/);
  await expect(attempt('d', { batch: 5, accumulate: 2 })).rejects.toThrow(
    /accumulate 2 does not divide the batch of 5/,
  );
  await expect(attempt('e', { context: 20_000 })).rejects.toThrow(/shorten --context/);
  const bytes = join(folder, 'latin1.txt');
  writeFileSync(bytes, Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x20, 0x61]));
  await expect(attempt('f', { data: bytes })).rejects.toThrow(/not UTF-8/);
});
