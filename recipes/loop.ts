/**
 * The whole loop, from packages to a model that one can talk to:
 *
 *     data → tokenizer → pretrain → sft → evaluate → report
 *
 * Every stage is a run of its own in a subfolder and resumes there; a finished stage is passed by. The same command
 * goes on wherever the last one ended.
 */
import { cpSync, existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import {
  evaluateRecipeSchema,
  type LoopRecipe,
  type LoopReport,
  loopReportSchema,
  pretrainRecipeSchema,
  sftRecipeSchema,
  tokenizerRecipeSchema,
} from '@parley/contracts';
import {
  lossChart,
  type ReportTable,
  RunDirectory,
  readMetrics,
  writeFolderAtomic,
  writeReport,
} from '@parley/lm/checkpoint';
import { buildData, fetchPackages } from '@parley/lm/data';
import { evaluate, tablesOf } from './evaluate.ts';
import { presets } from './presets/index.ts';
import { pretrain } from './pretrain.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { sft } from './sft.ts';
import { tokenizer } from './tokenizer.ts';

export interface LoopOptions extends RunOptions {
  /** PARLEY_HOME: where fetched packages are kept. */
  home: string;
}

/** Runs every stage that is not finished; throws StoppedError when one was stopped by Ctrl-C. */
export async function loop(recipe: LoopRecipe, options: LoopOptions): Promise<LoopReport> {
  const started = performance.now();
  const preset = presets[recipe.preset];
  if (!preset) {
    throw new RangeError(`there is no preset '${recipe.preset}'; choose one of ${Object.keys(presets).join(', ')}`);
  }
  const run = RunDirectory.open(recipe.out, recipe, ['out', 'data', 'threads']);
  try {
    if (run.finished) return finishedReport<LoopReport>(run, options);
    const { quiet = false } = options;
    const name = options.name ?? basename(resolve(recipe.out));
    const shared = { threads: recipe.threads, seed: recipe.seed };
    const data = recipe.data || run.path('data');
    const dataSeconds = recipe.data ? 0 : await gatherData(preset.data ?? recipe.preset, data, options);

    const tokenizerReport = await tokenizer(
      tokenizerRecipeSchema.parse({ ...preset.tokenizer, data, out: run.path('tokenizer') }),
      { quiet },
    );
    const pretrainReport = await pretrain(
      pretrainRecipeSchema.parse({
        ...preset.pretrain,
        ...shared,
        data,
        tokenizer: run.path('tokenizer'),
        out: run.path('pretrain'),
      }),
      { quiet, name: `${name}-base` },
    );
    const sftReport = await sft(
      sftRecipeSchema.parse({
        ...preset.sft,
        ...shared,
        data,
        model: run.path('pretrain', 'model'),
        out: run.path('sft'),
      }),
      { quiet, name },
    );
    const evaluation = await evaluate(
      evaluateRecipeSchema.parse({
        ...preset.evaluate,
        ...shared,
        data,
        model: run.path('sft', 'model'),
        base: run.path('pretrain', 'model'),
        out: run.path('evaluate'),
      }),
      { quiet },
    );

    writeFolderAtomic(run.path('model'), (folder) => cpSync(run.path('sft', 'model'), folder, { recursive: true }));
    const tasks = Object.fromEntries(
      Object.entries(evaluation.tasks).map(([task, { items, base = 0, model }]) => [task, { items, base, sft: model }]),
    );
    const stages = {
      ...(dataSeconds > 0 && { data: { seconds: dataSeconds } }),
      tokenizer: tokenizerReport,
      pretrain: pretrainReport,
      sft: { ...sftReport, tasks },
      evaluate: { seconds: evaluation.seconds, bitsPerByte: evaluation.bitsPerByte },
    };
    // Of a resumed loop this process saw only a part; its stages know their own times.
    const inStages = Object.values(stages).reduce((sum, stage) => sum + (stage ? stage.seconds : 0), 0);
    const seconds = Number(Math.max(inStages, (performance.now() - started) / 1000).toFixed(1));
    const report = loopReportSchema.parse({ seconds, preset: recipe.preset, stages });
    writeReport(run.folder, {
      title: `${name}: ${preset.summary}`,
      figures: report,
      tables: [stageTable(report), ...tablesOf(evaluation)],
      charts: {
        pretraining: lossChart('Pretraining', readMetrics(run.path('pretrain', 'metrics.jsonl'))),
        'fine-tuning': lossChart('Fine-tuning', readMetrics(run.path('sft', 'metrics.jsonl'))),
      },
    });
    if (!quiet)
      process.stderr.write(
        `done in ${Math.round(seconds)} s: talk to it with \`parley chat ${run.path('model')}\`, read ${run.path('report.md')}\n`,
      );
    return report;
  } finally {
    run.close();
  }
}

/** Fetches and builds the data unless it is there; returns the seconds that it took. */
async function gatherData(preset: string, out: string, { home, quiet = false }: LoopOptions): Promise<number> {
  if (existsSync(join(out, 'card.json'))) return 0;
  const started = performance.now();
  const onProgress = (message: string) => void (quiet || process.stderr.write(`data  ${message}\n`));
  await fetchPackages(preset, { home, onProgress });
  await buildData({ preset, home, out, onProgress });
  return Number(((performance.now() - started) / 1000).toFixed(1));
}

function stageTable({ stages: { tokenizer, pretrain, sft } }: LoopReport): ReportTable {
  return {
    title: 'Stages',
    columns: ['stage', 'seconds', 'tokens per second', 'result'],
    rows: [
      ['tokenizer', tokenizer.seconds, '', `${tokenizer.vocabulary} tokens`],
      [
        'pretrain',
        pretrain.seconds,
        pretrain.tokensPerSecond,
        `validation loss ${pretrain.validationLoss.toFixed(3)}, ${pretrain.bitsPerByte.toFixed(3)} bits per byte`,
      ],
      ['sft', sft.seconds, '', `held-out loss ${sft.heldOutLoss.base.toFixed(3)} → ${sft.heldOutLoss.sft.toFixed(3)}`],
    ],
  };
}
