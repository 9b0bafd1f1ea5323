/**
 * The report card of a loop: every model that it made, one column each, measured on what none of them has seen. Beside
 * the usual figures stand those that tell whether alignment helped: answers, sampled and greedy, against those of the
 * fine-tuned model, by the simulated labeller, who knows the right answers. Alignment has seen none of the questions;
 * the familiar ones fine-tuning has seen, the others are held out of everything, in wordings that are new as well.
 */
import { existsSync, readFileSync } from 'node:fs';
import { type CardColumn, type Demonstration, samplingSchema } from '@parley/contracts';
import { setPrecision, setThreads } from '@parley/engine';
import { loadModel, type ReportTable, RunDirectory, writeFileAtomic, writeReport } from '@parley/lm/checkpoint';
import { readDemonstrations } from '@parley/lm/data';
import { answerLogProbabilities, encodePrompt, measureScores, measureTokens, rollOut } from '@parley/lm/episodes';
import { Generator } from '@parley/lm/generate';
import { type Measures, measureModel } from './evaluate.ts';
import { questionsByTask, splitForAlignment, thatFit } from './known-answers.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { sampleQuestions } from './sample-questions.ts';
import { gradeOf, qualityOf, sameLanguage } from './simulated-labeller.ts';
import { winRateOf } from './studies/win-rate.ts';
import { identifyData } from './text-source.ts';

export interface CardRecipe {
  /** Model folders by the name of their column, in their order; 'sft' is what the others are compared with. */
  models: { sft: string } & Record<string, string>;
  /** Folder of the reward model that scores answers; '' for none. */
  rewardModel: string;
  data: string;
  out: string;
  /** Most held-out questions per task. */
  items: number;
  /** Longest answer in tokens; questions whose known answer is longer are left out of comparisons. */
  maxTokens: number;
  threads: number;
  seed: number;
}

export interface CardReport {
  seconds: number;
  /** Questions on which answers were compared. */
  questions: { familiar: number; heldOut: number };
  /** Held-out items of each task. */
  items: Record<string, number>;
  columns: CardColumn[];
  /** Answers to the sample questions by the name of the column. */
  samples: Record<string, string[]>;
}

/** What is kept of one model until all are measured. */
interface Column extends Omit<CardColumn, 'name' | 'familiar' | 'sampled' | 'greedy' | 'tasks'> {
  tasks: Measures['tasks'];
  samples: string[];
  /** The labeller's grade of each answer. */
  familiarQualities: number[];
  sampledQualities: number[];
  greedyQualities: number[];
}

const slots = 128;
const tokens = 8192;

/** Models that were measured before a kill are not measured again. */
export async function reportCard(recipe: CardRecipe, options: RunOptions = {}): Promise<CardReport> {
  const started = performance.now();
  const hashes = Object.entries(recipe.models).map(([name, folder]) => [name, loadModel(folder).manifest.weightsHash]);
  const config = {
    ...recipe,
    modelHashes: Object.fromEntries(hashes),
    rewardHash: recipe.rewardModel && loadModel(recipe.rewardModel).manifest.weightsHash,
    dataHash: identifyData(recipe.data).hash,
  };
  const run = RunDirectory.open(recipe.out, config, ['out', 'data', 'models', 'rewardModel', 'threads']);
  try {
    if (run.finished) return finishedReport<CardReport>(run, options);
    setPrecision('bf16');
    if (recipe.threads > 0) setThreads(recipe.threads);
    const { tokenizer, model } = loadModel(recipe.models.sft);
    const room = { context: model.config.max_position_embeddings, maxTokens: recipe.maxTokens };
    const fitting = (split: 'train' | 'validation') => thatFit(readDemonstrations(recipe.data, split), tokenizer, room);
    const drawn = (from: Demonstration[]) => [...questionsByTask(from, recipe).values()].flat();
    const questions = {
      familiar: drawn(splitForAlignment(fitting('train')).aside),
      heldOut: drawn(fitting('validation')),
    };
    const measured: Record<string, Column> = {};
    for (const [name, folder] of Object.entries(recipe.models)) {
      const file = run.path('columns', `${name}.json`);
      if (!existsSync(file)) {
        writeFileAtomic(file, JSON.stringify(await measureColumn(recipe, folder, questions, options)));
      }
      measured[name] = JSON.parse(readFileSync(file, 'utf8'));
    }
    const report = {
      seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
      questions: { familiar: questions.familiar.length, heldOut: questions.heldOut.length },
      items: Object.fromEntries(Object.entries(measured.sft!.tasks).map(([task, { items }]) => [task, items])),
      columns: compareColumns(measured),
      samples: Object.fromEntries(Object.entries(measured).map(([name, { samples }]) => [name, samples])),
    };
    writeReport(run.folder, { title: 'Report card', figures: report, tables: tablesOfCard(report) });
    return report;
  } finally {
    run.close();
  }
}

async function measureColumn(
  recipe: CardRecipe,
  folder: string,
  { familiar, heldOut: questions }: Record<'familiar' | 'heldOut', readonly Demonstration[]>,
  options: RunOptions,
): Promise<Column> {
  const { tasks, ...measures } = await measureModel(folder, recipe, options);
  const accuracies = Object.values(tasks).map(({ accuracy }) => accuracy);
  const { model, tokenizer } = loadModel(folder);
  const { maxTokens } = recipe;
  const generator = new Generator(model, tokenizer, { slots });
  const promptsOf = (asked: readonly Demonstration[]) =>
    asked.map(({ messages }) =>
      encodePrompt(tokenizer, messages.slice(0, -1), { context: generator.context, reserve: maxTokens }),
    );
  const seed = recipe.seed * 15_485_863;
  const answered = await rollOut(generator, promptsOf(familiar), { maxTokens, seed });
  const prompts = promptsOf(questions);
  const sampled = await rollOut(generator, prompts, { maxTokens, seed });
  const sampling = samplingSchema.parse({ temperature: 0, maxTokens });
  const greedy = await Promise.all(prompts.map((prompt) => generator.generate({ prompt, sampling })));
  const sampledQualities = sampled.map((answer, index) => qualityOf(questions[index]!, answer));
  const reference = measureTokens(loadModel(recipe.models.sft).model, sampled, answerLogProbabilities, tokens);
  return {
    ...measures,
    tasks,
    accuracy: mean(accuracies),
    familiarQualities: answered.map((answer, index) => qualityOf(familiar[index]!, answer)),
    sampledQualities,
    greedyQualities: greedy.map(({ text, finishReason }, index) =>
      qualityOf(questions[index]!, { text, ended: finishReason === 'stop' }),
    ),
    quality: mean(sampledQualities),
    reward:
      recipe.rewardModel === '' ? null : mean([...measureScores(loadModel(recipe.rewardModel).model, sampled, tokens)]),
    kl: mean(
      sampled.map(({ logProbabilities }, index) =>
        logProbabilities.reduce((sum, value, t) => sum + value - reference[index]![t]!, 0),
      ),
    ),
    length: mean(sampled.map(({ answer }) => answer.length)),
    ended: mean(sampled.map(({ ended }) => Number(ended))),
    sameLanguage: mean(sampled.map(({ text }, index) => Number(sameLanguage(questions[index]!, text)))),
  };
}

function compareColumns(measured: Record<string, Column>): CardColumn[] {
  const fineTuned = measured.sft!;
  return Object.entries(measured).map(([name, column]) => {
    const { samples: _, familiarQualities, sampledQualities, greedyQualities, tasks, ...figures } = column;
    const against = (ours: number[], theirs: number[]) =>
      name === 'sft' || ours.length === 0 ? null : winRateOf(ours.map(gradeOf), theirs.map(gradeOf));
    return {
      name,
      ...figures,
      tasks: Object.fromEntries(Object.entries(tasks).map(([task, { accuracy }]) => [task, accuracy])),
      familiar: against(familiarQualities, fineTuned.familiarQualities),
      sampled: against(sampledQualities, fineTuned.sampledQualities),
      greedy: against(greedyQualities, fineTuned.greedyQualities),
    };
  });
}

/**
 * Which model a loop should leave: the last that is better and has not lost what it knew. Its win rate on familiar or on
 * new questions must lie above one half with its whole interval, and its exact answers within a hundredth of those of
 * the fine-tuned model.
 */
export function bestColumn(columns: readonly CardColumn[]): string {
  const fineTuned = columns.find(({ name }) => name === 'sft')!;
  const better = columns.filter(
    ({ name, familiar, sampled, accuracy }) =>
      name.startsWith('ppo-') &&
      [familiar, sampled].some((rate) => rate !== null && rate.interval[0] > 0.5) &&
      accuracy > fineTuned.accuracy - 0.01,
  );
  return better.at(-1)?.name ?? 'sft';
}

export function tablesOfCard({ columns, items, samples }: CardReport): ReportTable[] {
  const names = columns.map(({ name }) => name);
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const wins = (rate: CardColumn['sampled']) =>
    rate ? `${percent(rate.winRate)} (${rate.interval.map((bound) => (100 * bound).toFixed(1)).join('–')})` : '–';
  const row = (title: string, cell: (column: CardColumn) => string) => [title, ...columns.map(cell)];
  const languages = Object.keys(columns[0]?.bitsPerByte ?? {});
  return [
    {
      title: 'Report card',
      columns: ['on held-out text, conversations and questions', ...names],
      rows: [
        ...languages.map((language) =>
          row(`text (${language}), bits per byte`, ({ bitsPerByte }) => bitsPerByte[language]!.toFixed(3)),
        ),
        row('conversations, nats per assistant token', ({ heldOutLoss }) => heldOutLoss.toFixed(3)),
        row('exact answers, mean of tasks', ({ accuracy }) => percent(accuracy)),
        row('wins against sft, familiar questions, sampled (95 %)', ({ familiar }) => wins(familiar)),
        row('wins against sft, new wordings, sampled (95 %)', ({ sampled }) => wins(sampled)),
        row('wins against sft, new wordings, temperature 0 (95 %)', ({ greedy }) => wins(greedy)),
        row("labeller's grade (best 2)", ({ quality }) => quality.toFixed(3)),
        row('mean reward (last reward model)', ({ reward }) => reward?.toFixed(3) ?? '–'),
        row('divergence from sft, nats', ({ kl }) => kl.toFixed(2)),
        row('length of answers, tokens', ({ length }) => length.toFixed(1)),
        row('ended by themselves', ({ ended }) => percent(ended)),
        row('in the right language', ({ sameLanguage: same }) => percent(same)),
      ],
    },
    {
      title: 'Exact answers on held-out items (temperature 0)',
      columns: ['task', 'items', ...names],
      rows: Object.entries(items).map(([task, count]) => [
        task,
        count,
        ...columns.map(({ tasks }) => percent(tasks[task] ?? 0)),
      ]),
    },
    {
      title: 'Some answers (temperature 0)',
      columns: ['question', ...names.filter((name) => name !== 'base')],
      rows: sampleQuestions.map((question, index) => [
        question,
        ...names.filter((name) => name !== 'base').map((name) => samples[name]?.[index]?.trim() || '–'),
      ]),
    },
  ];
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
