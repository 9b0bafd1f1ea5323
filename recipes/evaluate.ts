/**
 * Evaluation on what was held out: exact answers per task, loss on conversations, bits per byte of text in each
 * language, and a few answers to read. A second model, e.g. the one before fine-tuning, stands beside.
 */
import { type Demonstration, type EvaluateRecipe, samplingSchema } from '@parley/contracts';
import { setPrecision, setThreads } from '@parley/engine';
import { loadModel, Progress, RunDirectory, writeReport } from '@parley/lm/checkpoint';
import { checkAnswer, packDemonstrations, readDemonstrations, readDocuments } from '@parley/lm/data';
import { buildChatPrompt, Generator } from '@parley/lm/generate';
import { bitsPerByte, heldOutLoss, heldOutRowsLoss } from './held-out-loss.ts';
import { questionsByTask } from './known-answers.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { sampleQuestions } from './sample-questions.ts';
import { identifyData } from './text-source.ts';

/** What is measured of one model. */
export interface Measures {
  /** Share of exactly right answers, 0..1, by task. */
  tasks: Record<string, { items: number; accuracy: number }>;
  /** Nats per assistant token of held-out conversations. */
  heldOutLoss: number;
  /** By language: 'en', 'zh', 'code'. */
  bitsPerByte: Record<string, number>;
  /** Answers to the sample questions, in their order. */
  samples: string[];
}

/** One number per model; `base` is there if a second model was given. */
interface Pair {
  model: number;
  base?: number;
}

export interface EvaluateReport {
  seconds: number;
  tasks: Record<string, { items: number } & Pair>;
  heldOutLoss: Pair;
  bitsPerByte: Record<string, Pair>;
  samples: { question: string; model: string; base?: string }[];
}

/** Answers written at once. */
const slots = 32;
const batch = 16;
const sampleTokens = 80;

export async function evaluate(recipe: EvaluateRecipe, options: RunOptions = {}): Promise<EvaluateReport> {
  const started = performance.now();
  const dataHash = identifyData(recipe.data).hash;
  const config = {
    ...recipe,
    dataHash,
    modelHash: loadModel(recipe.model).manifest.weightsHash,
    baseHash: recipe.base ? loadModel(recipe.base).manifest.weightsHash : null,
  };
  const run = RunDirectory.open(recipe.out, config, ['out', 'data', 'model', 'base', 'threads']);
  try {
    if (run.finished) return finishedReport<EvaluateReport>(run, options);
    setPrecision(recipe.precision);
    if (recipe.threads > 0) setThreads(recipe.threads);
    const model = await measureModel(recipe.model, recipe, options);
    const base = recipe.base ? await measureModel(recipe.base, recipe, options) : undefined;
    const report = compare(model, base, (performance.now() - started) / 1000);
    writeReport(run.folder, { title: 'Evaluation', figures: { ...report }, tables: tablesOf(report) });
    return report;
  } finally {
    run.close();
  }
}

/** @param recipe.items most held-out items per task, drawn by `recipe.seed` */
export async function measureModel(
  folder: string,
  recipe: Pick<EvaluateRecipe, 'data' | 'items' | 'seed'>,
  { quiet = false }: RunOptions,
): Promise<Measures> {
  const { model, tokenizer, manifest } = loadModel(folder);
  const demonstrations = readDemonstrations(recipe.data, 'validation');
  const generator = new Generator(model, tokenizer, { slots });
  const progress = new Progress('evaluate', 1, { quiet });

  const tasks: Measures['tasks'] = {};
  for (const [task, items] of questionsByTask(demonstrations, recipe)) {
    const right = await Promise.all(items.map((item) => answersExactly(generator, tokenizer, item)));
    tasks[task] = { items: items.length, accuracy: right.filter(Boolean).length / items.length };
  }

  const accuracies = Object.values(tasks).map(({ accuracy }) => accuracy);
  const mean = accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / Math.max(1, accuracies.length);
  progress.note(`${manifest.name}: ${(100 * mean).toFixed(1)} % exact answers, mean of ${accuracies.length} tasks`);

  const rows = packDemonstrations(demonstrations, tokenizer, model.config.max_position_embeddings);
  const loss = heldOutRowsLoss(model, rows, batch).loss;
  const perLanguage: Record<string, number> = {};
  for (const [language, texts] of textsByLanguage(recipe.data)) {
    const ids = texts.flatMap((text) => [...tokenizer.encode(text), tokenizer.special['<|endoftext|>'] ?? 0]);
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    perLanguage[language] = bitsPerByte(heldOutLoss(model, ids, { batch }).nats, bytes);
  }
  const samples = await Promise.all(sampleQuestions.map((question) => answerFreely(generator, tokenizer, question)));
  return { tasks, heldOutLoss: loss, bitsPerByte: perLanguage, samples };
}

type Tokenizer = ReturnType<typeof loadModel>['tokenizer'];

/**
 * Whether the greedy answer is one of the accepted ones. An answer that runs on past the longest accepted one is wrong
 * already, so it is cut there.
 */
async function answersExactly(generator: Generator, tokenizer: Tokenizer, item: Demonstration): Promise<boolean> {
  const longest = Math.max(...item.answers!.map((answer) => tokenizer.encode(answer).length));
  const maxTokens = 2 * longest + 4;
  const { ids } = buildChatPrompt(tokenizer, item.messages.slice(0, -1), {
    context: generator.context,
    reserve: maxTokens,
  });
  const { text, finishReason } = await generator.generate({ prompt: ids, sampling: greedy(maxTokens) });
  return finishReason === 'stop' && checkAnswer(item, text);
}

async function answerFreely(generator: Generator, tokenizer: Tokenizer, question: string): Promise<string> {
  const { ids } = buildChatPrompt(tokenizer, [{ role: 'user', content: question }], {
    context: generator.context,
    reserve: sampleTokens,
  });
  const { text } = await generator.generate({ prompt: ids, sampling: greedy(sampleTokens) });
  return text;
}

const greedy = (maxTokens: number) => samplingSchema.parse({ temperature: 0, maxTokens });

function textsByLanguage(data: string): Map<string, string[]> {
  const texts = new Map<string, string[]>();
  for (const { language, text } of readDocuments(data, 'validation')) {
    texts.set(language, [...(texts.get(language) ?? []), text]);
  }
  return texts;
}

function compare(model: Measures, base: Measures | undefined, seconds: number): EvaluateReport {
  const pair = (value: number, other: number | undefined): Pair =>
    other === undefined ? { model: value } : { model: value, base: other };
  return {
    seconds: Number(seconds.toFixed(1)),
    heldOutLoss: pair(model.heldOutLoss, base?.heldOutLoss),
    tasks: Object.fromEntries(
      Object.entries(model.tasks).map(([task, { items, accuracy }]) => [
        task,
        { items, ...pair(accuracy, base?.tasks[task]?.accuracy) },
      ]),
    ),
    bitsPerByte: Object.fromEntries(
      Object.entries(model.bitsPerByte).map(([language, bits]) => [language, pair(bits, base?.bitsPerByte[language])]),
    ),
    samples: sampleQuestions.map((question, index) => ({
      question,
      model: model.samples[index]!,
      ...(base && { base: base.samples[index]! }),
    })),
  };
}

/** The report as tables for people. */
function tablesOf(report: EvaluateReport) {
  const both = report.heldOutLoss.base !== undefined;
  const columns = (first: string[]) => [...first, ...(both ? ['base'] : []), 'model'];
  const cells = ({ base, model }: Pair, format: (value: number) => string) => [
    ...(base === undefined ? [] : [format(base)]),
    format(model),
  ];
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const digits = (value: number) => value.toFixed(3);
  return [
    {
      title: 'Exact answers on held-out items',
      columns: columns(['task', 'items']),
      rows: Object.entries(report.tasks).map(([task, row]) => [task, row.items, ...cells(row, percent)]),
    },
    {
      title: 'Held-out loss and compression',
      columns: columns(['measure']),
      rows: [
        ['conversations, nats per assistant token', ...cells(report.heldOutLoss, digits)],
        ...Object.entries(report.bitsPerByte).map(([language, row]) => [
          `text (${language}), bits per byte`,
          ...cells(row, digits),
        ]),
      ],
    },
    {
      title: 'Some answers (temperature 0)',
      columns: ['question', 'answer'],
      rows: report.samples.map(({ question, model }) => [question, model.trim() || '–']),
    },
  ];
}
