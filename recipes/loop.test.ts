import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type LoopRecipe,
  loopReportSchema,
  pretrainRecipeSchema,
  type SftRecipe,
  sftRecipeSchema,
  tokenizerRecipeSchema,
} from '@parley/contracts';
import { loadModel, readMetrics } from '@parley/lm/checkpoint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { StoppedError } from './interruption.ts';
import { loop } from './loop.ts';
import { presets, presetsFor } from './presets/index.ts';
import { sft } from './sft.ts';
import { writeTinyData } from './testing/tiny-data.ts';
import { tokenizer } from './tokenizer.ts';

let folder: string;
let data: string;
const quiet = { quiet: true };

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-loop-'));
  data = writeTinyData(join(folder, 'data'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (...names: string[]) => join(folder, ...names);
const loopRecipe = (out: string): LoopRecipe => ({ preset: 'tiny', out: at(out), data, threads: 0, seed: 1 });
const bytesOf = (...names: string[]) => readFileSync(at(...names));

/** Presses Ctrl-C after some milliseconds; true if that stopped the run, false if it had ended before. */
async function stopped(run: () => Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = setTimeout(() => process.emit('SIGINT'), milliseconds);
  try {
    await run();
    return false;
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    return true;
  } finally {
    clearTimeout(timer);
  }
}

test('the loop goes from text to a model that learnt to answer, and reports it', async () => {
  const report = await loop(loopRecipe('whole'), { home: at('home'), ...quiet });
  expect(loopReportSchema.parse(JSON.parse(bytesOf('whole', 'report.json').toString()))).toEqual(report);
  const { tokenizer: vocabulary, pretrain, sft: tuned } = report.stages;
  expect(vocabulary.vocabulary).toBeGreaterThan(262);
  expect(pretrain.validationLoss).toBeLessThan(Math.log(vocabulary.vocabulary) / 2);
  expect(tuned.heldOutLoss.sft).toBeLessThan(tuned.heldOutLoss.base);
  expect(tuned.tasks).toMatchObject({ arithmetic: { items: 5, base: 0, sft: expect.any(Number) } });

  const { manifest, tokenizer: own } = loadModel(at('whole', 'model'));
  const base = loadModel(at('whole', 'pretrain', 'model')).manifest;
  expect(manifest).toMatchObject({
    name: 'whole',
    stage: 'sft',
    parent: { name: 'whole-base', weightsHash: base.weightsHash },
    data: { name: 'tiny', hash: 'a'.repeat(64) },
    tokenizerHash: base.tokenizerHash,
  });
  expect(own.special['<|im_end|>']).toBe(2);
  const markdown = bytesOf('whole', 'report.md').toString();
  for (const part of ['Stages', 'arithmetic', 'bits per byte', '你好', 'pretraining.svg'])
    expect(markdown).toContain(part);
});

test('a loop that was stopped several times ends with the same model', async () => {
  const run = () => loop(loopRecipe('stopped'), { home: at('home'), ...quiet });
  for (const milliseconds of [60, 120, 200, 300]) await stopped(run, milliseconds);
  await run();
  for (const stage of ['pretrain', 'sft']) {
    expect(bytesOf('stopped', stage, 'model', 'model.safetensors')).toEqual(
      bytesOf('whole', stage, 'model', 'model.safetensors'),
    );
    const losses = (out: string) =>
      readMetrics(at(out, stage, 'metrics.jsonl')).map(({ step, loss, validationLoss }) => [
        step,
        loss,
        validationLoss,
      ]);
    expect(losses('stopped')).toEqual(losses('whole'));
  }
});

test('fine-tuning stops at any step and goes on to the same bits, from a file of conversations too', async () => {
  const talks = at('talks.jsonl');
  writeFileSync(talks, bytesOf('data', 'demonstrations.train.jsonl'));
  const recipe = (out: string): SftRecipe =>
    sftRecipeSchema.parse({
      ...presets.tiny!.sft,
      model: at('whole', 'pretrain', 'model'),
      data: talks,
      out: at(out),
      epochs: 4,
      batch: 4,
      accumulate: 2,
    });
  const report = await sft(recipe('sft-whole'), quiet);
  expect(report.heldOutLoss.sft).toBeLessThan(report.heldOutLoss.base);
  let stops = 0;
  for (const milliseconds of [40, 80])
    stops += Number(await stopped(() => sft(recipe('sft-stopped'), quiet), milliseconds));
  const resumed = await sft(recipe('sft-stopped'), quiet);
  expect(stops).toBeGreaterThan(0);
  expect(resumed.heldOutLoss).toEqual(report.heldOutLoss);
  expect(bytesOf('sft-stopped', 'model', 'model.safetensors')).toEqual(
    bytesOf('sft-whole', 'model', 'model.safetensors'),
  );
});

test('one model is evaluated alone', async () => {
  const recipe = { model: at('whole', 'model'), data, base: '', out: at('alone'), items: 3, threads: 0, seed: 1 };
  const report = await evaluate({ ...recipe, precision: 'f32' }, quiet);
  expect(report.tasks.arithmetic).toEqual({ items: 3, model: expect.any(Number) });
  expect(Object.keys(report.bitsPerByte).sort()).toEqual(['en', 'zh']);
  expect(report.samples.every(({ base }) => base === undefined)).toBe(true);
});

test('a tokenizer does not fit a model of another one', async () => {
  await tokenizer(tokenizerRecipeSchema.parse({ data, vocabulary: 300, out: at('other') }), quiet);
  const mixed = at('mixed');
  cpSync(at('whole', 'model'), mixed, { recursive: true });
  cpSync(at('other', 'tokenizer.json'), join(mixed, 'tokenizer.json'));
  const recipe = sftRecipeSchema.parse({ model: mixed, data, out: at('mixed-run') });
  await expect(sft(recipe, quiet)).rejects.toThrow(/not the tokenizer that the model was trained with/);
});

test('every preset satisfies the schemas of its stages', () => {
  for (const preset of Object.values(presets)) {
    if (preset.tokenizer) tokenizerRecipeSchema.parse({ data: 'd', out: 'o', ...preset.tokenizer });
    if (preset.pretrain) pretrainRecipeSchema.strict().parse({ data: 'd', out: 'o', ...preset.pretrain });
    if (preset.sft) sftRecipeSchema.strict().parse({ model: 'm', data: 'd', out: 'o', ...preset.sft });
  }
  expect(presetsFor('pretrain')).toContain('shakespeare-char');
  expect(presetsFor('tokenizer', 'pretrain', 'sft', 'evaluate')).not.toContain('shakespeare-char');
});
