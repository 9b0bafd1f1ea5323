import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CardColumn,
  type LoopRecipe,
  loopReportSchema,
  ppoRecipeSchema,
  pretrainRecipeSchema,
  rewardRecipeSchema,
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
const loopRecipe = (out: string, changes: Partial<LoopRecipe> = {}): LoopRecipe => ({
  ...{ preset: 'tiny', out: at(out), data, preferences: '', threads: 0, seed: 1 },
  ...changes,
});
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

/** Presses Ctrl-C as soon as a stage has begun to learn; fails if that did not stop the loop. */
async function stoppedIn(stage: string, run: () => Promise<unknown>): Promise<void> {
  const timer = setInterval(() => {
    if (!existsSync(join(stage, 'config.json'))) return;
    clearInterval(timer);
    process.emit('SIGINT');
  }, 1);
  try {
    await expect(run()).rejects.toThrow(StoppedError);
  } finally {
    clearInterval(timer);
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

  const { manifest, tokenizer: own } = loadModel(at('whole', 'sft', 'model'));
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
  for (const part of ['Stages', 'arithmetic', 'bits per byte', '你好', 'pretraining.svg', 'simulated labellers'])
    expect(markdown).toContain(part);
});

test('the report card has one column per model, each against the fine-tuned one', () => {
  const { model, stages } = loopReportSchema.parse(JSON.parse(bytesOf('whole', 'report.json').toString()));
  expect(stages.reward?.iterations).toHaveLength(1);
  expect(stages.ppo?.iterations).toHaveLength(1);
  expect(stages.ppo?.failure).toBeUndefined();
  expect(stages.card.map(({ name }) => name)).toEqual(['base', 'sft', 'ppo-1']);
  const [base, tuned, improved] = stages.card as [CardColumn, CardColumn, CardColumn];
  expect([tuned.familiar, tuned.sampled, tuned.greedy]).toEqual([null, null, null]);
  expect(Math.abs(tuned.kl)).toBeLessThan(0.05);
  expect(base.kl).toBeGreaterThan(tuned.kl);
  expect(base.tasks).toEqual({ arithmetic: 0 });
  expect(tuned.tasks.arithmetic).toBe(stages.sft.tasks.arithmetic?.sft);
  for (const { familiar, sampled, greedy, reward, ended, sameLanguage } of [base, improved]) {
    for (const { winRate, interval } of [familiar, sampled, greedy].filter((rate) => rate !== null)) {
      expect(interval[0]).toBeLessThanOrEqual(winRate);
      expect(interval[1]).toBeGreaterThanOrEqual(winRate);
    }
    expect(reward).toEqual(expect.any(Number));
    for (const share of [ended, sameLanguage]) expect(share >= 0 && share <= 1).toBe(true);
  }
  const left = loadModel(at('whole', 'model')).manifest.weightsHash;
  expect(left).toBe(loadModel(at('whole', model, 'model')).manifest.weightsHash);
  expect(loadModel(at('whole', 'ppo-1', 'model')).manifest).toMatchObject({
    stage: 'ppo',
    parent: { name: 'whole', weightsHash: loadModel(at('whole', 'sft', 'model')).manifest.weightsHash },
  });
});

/** A loop whose stages until fine-tuning are those of another, with some of the later ones. */
function continued(out: string, ...stages: string[]): void {
  for (const stage of ['tokenizer', 'pretrain', 'sft', ...stages]) {
    cpSync(at('whole', stage), at(out, stage), { recursive: true });
    const config = at(out, stage, 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll(at('whole'), at(out)));
  }
}

test('a loop that was stopped or killed in its alignment ends with the same', async () => {
  continued('again');
  const run = () => loop(loopRecipe('again'), { home: at('home'), name: 'whole', ...quiet });
  await stoppedIn(at('again', 'reward-1'), run);
  expect(loadModel(at('again', 'model')).manifest.stage).toBe('sft');
  await stoppedIn(at('again', 'ppo-1'), run);
  // As a kill leaves them that comes while answers are ranked, and while the last model is measured.
  rmSync(at('again', 'rankings-1', 'report.json'));
  const { stages } = await run();
  rmSync(at('again', 'report.json'));
  rmSync(at('again', 'evaluate', 'report.json'));
  rmSync(at('again', 'evaluate', 'columns', 'ppo-1.json'));
  const { card } = (await run()).stages;
  const whole = loopReportSchema.parse(JSON.parse(bytesOf('whole', 'report.json').toString()));
  expect(stages.card).toEqual(whole.stages.card);
  expect(card).toEqual(whole.stages.card);
  for (const file of ['rankings-1/rankings.jsonl', 'reward-1/model/model.safetensors', 'ppo-1/model/model.safetensors'])
    expect(bytesOf('again', file)).toEqual(bytesOf('whole', file));
});

test('a policy that runs away leaves the fine-tuned model and says so', async () => {
  presets.away = {
    ...presets.tiny!,
    ppo: { ...presets.tiny!.ppo, steps: 12, learningRate: 0.05, warmup: 0, earlyStop: 100, klLimit: 0.01 },
  };
  continued('away', 'rankings-1', 'reward-1');
  const report = await loop(loopRecipe('away', { preset: 'away' }), { home: at('home'), ...quiet });
  delete presets.away;
  expect(report.model).toBe('sft');
  expect(report.stages.ppo?.failure).toMatch(/^ppo-1: batch \d+: answers diverge from the reference/);
  expect(report.stages.card.map(({ name }) => name)).toEqual(['base', 'sft']);
  expect(loadModel(at('away', 'model')).manifest.stage).toBe('sft');
  expect(bytesOf('away', 'report.md').toString()).toContain('Alignment ended early.');
});

test('what people preferred joins the rankings, and is read before anything is trained', async () => {
  writeFileSync(at('people.jsonl'), '{"prompt": "1 + 1?", "chosen": "2", "rejected": "3"}\n');
  writeFileSync(at('nobody.jsonl'), '{"prompt": "1 + 1?"}\n');
  const options = { home: at('home'), ...quiet };
  const broken = loop(loopRecipe('broken', { preferences: at('nobody.jsonl') }), options);
  await expect(broken).rejects.toThrow(/nobody.jsonl:1 has neither/);
  expect(existsSync(at('broken'))).toBe(false);
  continued('people', 'rankings-1');
  const report = await loop(loopRecipe('people', { preferences: at('people.jsonl') }), options);
  const alone = loopReportSchema.parse(JSON.parse(bytesOf('whole', 'report.json').toString())).stages.reward!;
  const comparisons = ({ iterations }: typeof alone) => iterations[0]!.comparisons as number;
  expect(comparisons(report.stages.reward!)).toBeGreaterThan(comparisons(alone));
  expect(bytesOf('people', 'prompts.jsonl').toString()).toContain('1 + 1?');
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
    if (preset.reward) rewardRecipeSchema.strict().parse({ model: 'm', preferences: 'p', out: 'o', ...preset.reward });
    if (preset.ppo) ppoRecipeSchema.strict().parse({ model: 'm', prompts: 'p', out: 'o', ...preset.ppo });
  }
  expect(presetsFor('pretrain')).toContain('shakespeare-char');
  expect(presetsFor('tokenizer', 'pretrain', 'sft', 'evaluate')).not.toContain('shakespeare-char');
});
