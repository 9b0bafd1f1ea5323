/**
 * Study `gold`: does a policy get better by rankings alone, and where does it go too far?
 *
 * The little world of gold-task.ts stands in for people. For each seed a model is fine-tuned on demonstrations; then,
 * three times over, labellers rank answers of the present policy, a reward model learns from all rankings so far, and
 * PPO improves the policy against it. The hidden gold reward is used to rank with noise and to measure, never to learn.
 * At last PPO runs on against the first reward model with no price on divergence, to show the over-optimisation: the
 * learned reward goes on rising while the gold reward falls (Gao et al. 2022).
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  modelConfigSchema,
  ppoRecipeSchema,
  rewardRecipeSchema,
  type StudyRecipe,
  sftRecipeSchema,
} from '@parley/contracts';
import { Random, setThreads } from '@parley/engine';
import {
  lineChart,
  loadModel,
  RunDirectory,
  readMetrics,
  saveModel,
  writeFileAtomic,
  writeReport,
} from '@parley/lm/checkpoint';
import {
  answerLogProbabilities,
  encodePrompt,
  measureScores,
  measureTokens,
  type Rollout,
  rollOut,
} from '@parley/lm/episodes';
import { Generator } from '@parley/lm/generate';
import { Llama } from '@parley/lm/models';
import { trainTokenizer } from '@parley/lm/tokenizer';
import { ppo } from '../ppo.ts';
import { reward } from '../reward.ts';
import { finishedReport, type RunOptions } from '../run-options.ts';
import { sft } from '../sft.ts';
import { demonstrate, goldReward, type Question, questionsOf, rankByLabeller } from './gold-task.ts';
import { type WinRate, winRateOf } from './win-rate.ts';

const iterations = 3;
const answersRanked = 4;
const labellerNoise = 0.5;
const maxTokens = 40;
const evaluated = 8;
const bestOf = 16;

interface Iteration extends WinRate {
  /** Mean gold reward on held-out questions. */
  gold: number;
  /** Mean divergence of an answer from the fine-tuned model, nats. */
  kl: number;
  /** Mean tokens of an answer. */
  length: number;
  /** Share of answers that ended by themselves. */
  ended: number;
  /** The reward model's share of held-out pairs ordered as the labellers did, and how often it prefers the longer. */
  rewardAccuracy: number;
  longerWins: number;
}

interface SeedReport {
  sft: number;
  /** Gold reward of the best of 16 answers of the fine-tuned model by the first reward model. */
  bestOf16: number;
  iterations: Iteration[];
  /** Along PPO without a price on divergence. */
  overOptimisation: { kl: number; learned: number; gold: number }[];
}

export interface GoldReport {
  seconds: number;
  gold: { seeds: SeedReport[] };
}

/** Runs all seeds; stages that finished before are not run again. */
export async function studyGold(recipe: StudyRecipe, options: RunOptions = {}): Promise<GoldReport> {
  const started = performance.now();
  const { seed, seeds } = recipe;
  const run = RunDirectory.open(recipe.out, { study: 'gold', seed, seeds });
  try {
    if (run.finished) return finishedReport<GoldReport>(run, options);
    if (recipe.threads > 0) setThreads(recipe.threads);
    const say = (text: string) => void (options.quiet || process.stderr.write(`gold  ${text}\n`));
    const reports: SeedReport[] = [];
    for (let index = 0; index < seeds; index++) {
      reports.push(await oneSeed(run.path(`seed-${seed + index}`), seed + index, say));
    }
    const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
    const report: GoldReport = { seconds, gold: { seeds: reports } };
    writeGoldReport(run, report);
    say(`done in ${seconds} s; read ${run.path('report.md')}`);
    return report;
  } finally {
    run.close();
  }
}

async function oneSeed(folder: string, seed: number, say: (text: string) => void): Promise<SeedReport> {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const random = new Random(seed * 1000);
  const [asked, heldOut] = [questionsOf(false), questionsOf(true)];
  const quiet = { quiet: true };

  // People demonstrate; a model learns to speak from that alone.
  const demonstrations = Array.from({ length: 3000 }, (_, index) => demonstrate(asked[index % asked.length]!, random));
  writeLines(at('demonstrations.jsonl'), demonstrations);
  writeLines(
    at('prompts.jsonl'),
    asked.map(({ prompt }) => ({ prompt })),
  );
  writeStart(
    at('start'),
    demonstrations.map(({ messages }) => messages.map(({ content }) => content).join('\n')),
    seed,
  );
  await sft(
    sftRecipeSchema.parse({
      ...{ model: at('start'), data: at('demonstrations.jsonl'), out: at('sft'), seed },
      ...{ batch: 16, epochs: 6, learningRate: 2e-3, warmup: 20, evaluateEvery: 1000, checkpointEvery: 200 },
    }),
    quiet,
  );
  const fineTuned = at('sft/model');
  const before = await answersOf(fineTuned, heldOut, evaluated, seed);
  const goldBefore = before.map(({ question, text }) => goldReward(question, text));
  const report: SeedReport = { sft: mean(goldBefore), bestOf16: 0, iterations: [], overOptimisation: [] };
  say(`seed ${seed}: fine-tuned model ${report.sft.toFixed(2)}`);

  // Three rounds of rankings, reward model and PPO.
  const rankings: object[] = [];
  let policy = fineTuned;
  for (let round = 1; round <= iterations; round++) {
    const written = await answersOf(policy, asked, 4 * answersRanked, seed + round * 100);
    for (let first = 0; first < written.length; first += answersRanked) {
      const group = written.slice(first, first + answersRanked);
      const { question } = group[0]!;
      const answers = group.map(({ text }) => text);
      const ranking = rankByLabeller(question, answers, labellerNoise, random);
      rankings.push({ prompt: question.prompt, answers, ranking });
    }
    writeLines(at(`rankings-${round}.jsonl`), rankings);
    const judged = await reward(
      rewardRecipeSchema.parse({
        ...{ model: fineTuned, preferences: at(`rankings-${round}.jsonl`), out: at(`reward-${round}`), seed },
        ...{ demonstrations: at('demonstrations.jsonl'), learningRate: 5e-4, batch: 16 },
      }),
      quiet,
    );
    await ppo(
      ppoRecipeSchema.parse({
        ...{ model: policy, reference: fineTuned, rewardModel: at(`reward-${round}/model`), out: at(`ppo-${round}`) },
        ...{ prompts: at('prompts.jsonl'), steps: 40, batch: 64, maxTokens, beta: 0.05, learningRate: 2e-4 },
        ...{ valueRate: 5e-4, noEndScore: -3, seed: seed + round },
      }),
      quiet,
    );
    policy = at(`ppo-${round}/model`);
    const after = await answersOf(policy, heldOut, evaluated, seed);
    const gold = after.map(({ question, text }) => goldReward(question, text));
    const iteration: Iteration = {
      gold: mean(gold),
      kl: mean(divergencesFrom(fineTuned, after)),
      ...winRateOf(gold, goldBefore),
      length: mean(after.map(({ answer }) => answer.length)),
      ended: mean(after.map(({ ended }) => Number(ended))),
      rewardAccuracy: judged.accuracy,
      longerWins: judged.longerWins.model,
    };
    report.iterations.push(iteration);
    say(
      `seed ${seed}, iteration ${round}: gold ${iteration.gold.toFixed(2)}, divergence ${iteration.kl.toFixed(1)} nats, ` +
        `wins ${(iteration.winRate * 100).toFixed(0)} % against the fine-tuned model`,
    );
  }

  report.bestOf16 = await bestByReward(fineTuned, at('reward-1/model'), heldOut, seed);
  report.overOptimisation = await overOptimise(at, asked, seed);
  return report;
}

/** A language model that knows nothing yet, with a vocabulary of the demonstrations' language. */
function writeStart(folder: string, texts: string[], seed: number): void {
  if (existsSync(folder)) return;
  const tokenizer = trainTokenizer({ texts, vocabulary: 512 });
  const model = new Llama(
    modelConfigSchema.parse({
      ...{ vocab_size: tokenizer.vocabulary, hidden_size: 128, intermediate_size: 384, num_hidden_layers: 3 },
      ...{ num_attention_heads: 4, num_key_value_heads: 4, head_dim: 32, max_position_embeddings: 96 },
    }),
    new Random(seed),
  );
  const lineage = {
    name: 'start',
    stage: 'pretrain',
    parent: null,
    data: null,
    recipe: {},
    seed,
    metrics: {},
  } as const;
  saveModel(folder, model, tokenizer, lineage);
}

type Answer = Rollout & { question: Question };

/** `each` answers to every question, by the whole distribution of a model. */
async function answersOf(folder: string, questions: Question[], each: number, seed: number): Promise<Answer[]> {
  const { model, tokenizer } = loadModel(folder);
  const context = model.config.max_position_embeddings;
  const repeated = questions.flatMap((question) => Array.from({ length: each }, () => question));
  const prompts = repeated.map(({ prompt }) => encodePrompt(tokenizer, prompt, { context, reserve: maxTokens }));
  const generator = new Generator(model, tokenizer, { slots: 64 });
  const rollouts = await rollOut(generator, prompts, { maxTokens, seed: seed * 100_003 });
  return rollouts.map((rollout, index) => ({ ...rollout, question: repeated[index]! }));
}

function divergencesFrom(reference: string, answers: readonly Answer[]): number[] {
  const found = measureTokens(loadModel(reference).model, answers, answerLogProbabilities, 8192);
  return answers.map(({ logProbabilities }, index) =>
    logProbabilities.reduce((sum, value, t) => sum + value - found[index]![t]!, 0),
  );
}

async function bestByReward(policy: string, rewardModel: string, questions: Question[], seed: number): Promise<number> {
  const answers = await answersOf(policy, questions, bestOf, seed + 7);
  const scores = measureScores(loadModel(rewardModel).model, answers, 8192);
  const best = questions.map((_, index) => {
    const own = Array.from({ length: bestOf }, (_, k) => index * bestOf + k);
    return own.reduce((a, b) => (scores[b]! > scores[a]! ? b : a));
  });
  return mean(best.map((index) => goldReward(answers[index]!.question, answers[index]!.text)));
}

/** PPO with nothing that holds it, against the first reward model; gold and learned reward of what it wrote. */
async function overOptimise(
  at: (name: string) => string,
  asked: Question[],
  seed: number,
): Promise<SeedReport['overOptimisation']> {
  await ppo(
    ppoRecipeSchema.parse({
      ...{ model: at('sft/model'), rewardModel: at('reward-1/model'), prompts: at('prompts.jsonl'), out: at('free') },
      ...{ steps: 120, batch: 64, maxTokens, beta: 0, learningRate: 4e-4, valueRate: 1e-3, schedule: 'wsd', floor: 1 },
      ...{ noEndScore: -3, klLimit: 10_000, earlyStop: 1, dump: true, seed },
    }),
    { quiet: true },
  );
  const known = new Map(asked.map((question) => [JSON.stringify(question.prompt), question]));
  return readMetrics(at('free/metrics.jsonl')).map((metric) => {
    const lines = readFileSync(at(`free/episodes/step-${metric.step}.jsonl`), 'utf8')
      .trim()
      .split('\n');
    const gold = lines.map((line) => {
      const { messages, text } = JSON.parse(line);
      return goldReward(known.get(JSON.stringify(messages))!, text);
    });
    return { kl: metric.kl as number, learned: metric.reward as number, gold: mean(gold) };
  });
}

function writeGoldReport(run: RunDirectory, report: GoldReport): void {
  const { seeds } = report.gold;
  const root = (kl: number) => Math.sqrt(Math.max(0, kl));
  writeReport(run.folder, {
    title: 'Better by rankings alone, and where it goes too far',
    figures: { ...report },
    tables: seeds.map(({ sft, bestOf16, iterations }, index) => ({
      title: `Seed ${index + 1}: gold reward on held-out questions (best possible 3.5)`,
      columns: [
        '',
        'gold',
        'divergence, nats',
        'wins against fine-tuned',
        '95 % interval',
        'tokens',
        'ended',
        'reward model right',
        'prefers longer',
      ],
      rows: [
        ['fine-tuned', sft, '', '', '', '', '', '', ''],
        ['best of 16 by the first reward model', bestOf16, '', '', '', '', '', '', ''],
        ...iterations.map((one, round) => [
          `PPO, iteration ${round + 1}`,
          one.gold,
          one.kl,
          one.winRate,
          `${one.interval.map((bound) => bound.toFixed(2)).join(' to ')}`,
          one.length,
          one.ended,
          one.rewardAccuracy,
          one.longerWins,
        ]),
      ],
    })),
    notes: [
      'Labellers rank four answers of the present policy by the gold reward with normal noise of 0.5 on each; nothing ' +
        'else of the gold reward is learned from. Held-out questions are about things that no other question names.',
    ],
    charts: {
      gold: lineChart(
        'Gold reward of PPO, three iterations',
        { x: 'square root of the divergence (nats)', y: 'gold reward' },
        seeds.map(({ sft, iterations }, index) => ({
          name: `seed ${index + 1}`,
          points: [{ x: 0, y: sft }, ...iterations.map(({ kl, gold }) => ({ x: root(kl), y: gold }))],
        })),
      ),
      'over-optimisation': lineChart(
        'Without a price on divergence: learned and gold reward',
        { x: 'square root of the divergence (nats)', y: 'reward' },
        seeds.flatMap(({ overOptimisation }, index) => [
          { name: `gold ${index + 1}`, points: overOptimisation.map(({ kl, gold }) => ({ x: root(kl), y: gold })) },
          {
            name: `learned ${index + 1}`,
            faint: true,
            points: overOptimisation.map(({ kl, learned }) => ({ x: root(kl), y: learned })),
          },
        ]),
      ),
    },
  });
}

function writeLines(file: string, lines: readonly object[]): void {
  writeFileAtomic(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
