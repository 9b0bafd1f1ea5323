/**
 * The whole loop, from packages to a model that one can talk to:
 *
 *     data → tokenizer → pretrain → sft → (rankings → reward → ppo) × rounds → evaluate → report
 *
 * Every stage is a run of its own in a subfolder and resumes there; a finished stage is passed by. The same command
 * goes on wherever the last one ended. From the end of fine-tuning on, model/ holds a model to talk to. Alignment
 * (align.ts) may fail, for instance because a policy runs away from what it was: the loop then ends with the models
 * that there are and says so. At last every model gets a column on the report card (report-card.ts), and model/ becomes
 * the last one that is better without having lost what it knew.
 */
import { cpSync, existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import {
  evaluateRecipeSchema,
  type LoopRecipe,
  type LoopReport,
  loopReportSchema,
  ppoRecipeSchema,
  pretrainRecipeSchema,
  sftRecipeSchema,
  tokenizerRecipeSchema,
} from '@parley/contracts';
import {
  lineChart,
  lossChart,
  type ReportTable,
  RunDirectory,
  readMetrics,
  writeFolderAtomic,
  writeReport,
} from '@parley/lm/checkpoint';
import { buildData, fetchPackages, readPreferences } from '@parley/lm/data';
import { type Alignment, align } from './align.ts';
import { presets } from './presets/index.ts';
import { pretrain } from './pretrain.ts';
import { bestColumn, type CardReport, reportCard, tablesOfCard } from './report-card.ts';
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
  // A mistake in it should be known now, and not when the first hour is over.
  if (recipe.preferences !== '') readPreferences(recipe.preferences);
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
    const fineTuned = run.path('sft', 'model');
    leaveModel(run, fineTuned);

    const alignment = preset.align
      ? await align(
          {
            ...shared,
            ...{ model: fineTuned, data, preferences: recipe.preferences, out: recipe.out },
            preset: { ...preset, align: preset.align },
          },
          { quiet, name },
        )
      : nothingAligned;

    const policies = alignment.policies.map(({ model }, index) => [`ppo-${index + 1}`, model] as const);
    const models = { base: run.path('pretrain', 'model'), sft: fineTuned, ...Object.fromEntries(policies) };
    const card = await reportCard(
      {
        ...shared,
        ...{ models, data, out: run.path('evaluate') },
        rewardModel: alignment.rewards.at(-1)?.model ?? '',
        items: evaluateRecipeSchema.shape.items.parse(preset.evaluate?.items),
        maxTokens: ppoRecipeSchema.shape.maxTokens.parse(preset.ppo?.maxTokens),
      },
      { quiet },
    );
    const chosen = bestColumn(card.columns);
    leaveModel(run, models[chosen as keyof typeof models]);

    const stages = {
      ...(dataSeconds > 0 && { data: { seconds: dataSeconds } }),
      tokenizer: tokenizerReport,
      pretrain: pretrainReport,
      sft: { ...sftReport, tasks: tasksOf(card) },
      ...stagesOf(alignment),
      evaluate: { seconds: card.seconds, questions: card.questions, bitsPerByte: bitsPerByteOf(card) },
      card: card.columns,
    };
    // Of a resumed loop this process saw only a part; its stages know their own times.
    const inStages = Object.values(stages).reduce((sum, stage) => sum + ('seconds' in stage ? stage.seconds : 0), 0);
    const seconds = Number(Math.max(inStages, (performance.now() - started) / 1000).toFixed(1));
    const report = loopReportSchema.parse({ seconds, preset: recipe.preset, model: chosen, stages });
    writeReport(run.folder, {
      title: `${name}: ${preset.summary}`,
      figures: report,
      notes: notesOf(alignment, report),
      tables: [stageTable(report), ...tablesOfCard(card)],
      charts: {
        pretraining: lossChart('Pretraining', readMetrics(run.path('pretrain', 'metrics.jsonl'))),
        'fine-tuning': lossChart('Fine-tuning', readMetrics(run.path('sft', 'metrics.jsonl'))),
        ...(policies.length > 0 && { 'reward-of-ppo': rewardChart(run, policies.length) }),
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

/** Puts a model where people look for the result. */
function leaveModel(run: RunDirectory, model: string): void {
  writeFolderAtomic(run.path('model'), (folder) => cpSync(model, folder, { recursive: true }));
}

const nothingAligned: Alignment = { rankings: [], rewards: [], policies: [] };

/** What the report says of the stages of all rounds; nothing for a loop that has none. */
function stagesOf({ rankings, rewards, policies, failure }: Alignment) {
  if (rankings.length === 0 && failure === undefined) return {};
  const seconds = (stages: readonly { seconds: number }[]) =>
    Number(stages.reduce((sum, stage) => sum + stage.seconds, 0).toFixed(1));
  return {
    rankings: { seconds: seconds(rankings), iterations: rankings },
    reward: { seconds: seconds(rewards), iterations: rewards },
    ppo: { seconds: seconds(policies), iterations: policies, ...(failure !== undefined && { failure }) },
  };
}

/** The share of right answers before and after fine-tuning. */
function tasksOf({ columns, items }: CardReport) {
  const [base, tuned] = ['base', 'sft'].map((name) => columns.find((column) => column.name === name)!.tasks);
  return Object.fromEntries(
    Object.entries(items).map(([task, count]) => [
      task,
      { items: count, base: base?.[task] ?? 0, sft: tuned?.[task] ?? 0 },
    ]),
  );
}

function bitsPerByteOf({ columns }: CardReport) {
  const [base, tuned] = ['base', 'sft'].map((name) => columns.find((column) => column.name === name)!.bitsPerByte);
  return Object.fromEntries(
    Object.entries(tuned!).map(([language, model]) => [language, { model, base: base![language] }]),
  );
}

function notesOf({ rankings, failure }: Alignment, { model }: LoopReport): string[] {
  const notes = [
    model === 'sft' && rankings.length > 0
      ? 'model/ is the **fine-tuned model**: by this card no policy is better without having lost exact answers.'
      : `model/ is a copy of **${model}**.`,
  ];
  if (rankings.length > 0) {
    notes.push(
      'Answers were ranked by **simulated labellers**, and are compared by them here: they know the right answers of ' +
        'demonstrations and prefer a right answer, then one that has more of it, ends by itself, is in its language and ' +
        'does not repeat itself. Rankings by people join theirs with `--preferences`.',
    );
  }
  if (failure !== undefined) notes.push(`**Alignment ended early.** ${failure}`);
  return notes;
}

function rewardChart(run: RunDirectory, rounds: number): string {
  return lineChart(
    'PPO',
    { x: 'batch', y: 'mean reward' },
    Array.from({ length: rounds }, (_, index) => ({
      name: `round ${index + 1}`,
      points: readMetrics(run.path(`ppo-${index + 1}`, 'metrics.jsonl')).map(({ step, reward }) => ({
        x: step,
        y: reward as number,
      })),
    })),
  );
}

function stageTable({ stages: { tokenizer, pretrain, sft, reward, ppo } }: LoopReport): ReportTable {
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
      ...(reward?.iterations ?? []).map(({ seconds, accuracy, longerWins }, index) => [
        `reward-${index + 1}`,
        seconds,
        '',
        `orders ${percent(accuracy)} of held-out pairs, prefers the longer in ${percent(longerWins.model)} ` +
          `(labellers: ${percent(longerWins.people)})`,
      ]),
      ...(ppo?.iterations ?? []).map(({ seconds, episodes, first, last }, index) => [
        `ppo-${index + 1}`,
        seconds,
        '',
        `${episodes} answers, reward ${first.reward.toFixed(2)} → ${last.reward.toFixed(2)} at ${last.kl.toFixed(1)} nats`,
      ]),
    ],
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
