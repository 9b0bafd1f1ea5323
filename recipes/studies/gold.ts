/**
 * Study `gold`: does a policy get better by rankings alone, and where does it go too far?
 *
 * The little world of gold-task.ts stands in for people. For each seed a model is fine-tuned on demonstrations; then,
 * three times over, labellers rank answers of the present policy, a reward model learns from all rankings so far, and
 * PPO improves the policy against it. The hidden gold reward is used to rank with noise and to measure, never to learn.
 * At last PPO runs on against the first reward model with no price on divergence, to show the over-optimisation: the
 * learned reward goes on rising while the gold reward falls (Gao et al. 2022).
 */
import { join } from 'node:path';
import { ppoRecipeSchema, rewardRecipeSchema, type StudyRecipe } from '@parley/contracts';
import { Random, setThreads } from '@parley/engine';
import { lineChart, loadModel, RunDirectory, writeReport } from '@parley/lm/checkpoint';
import { measureScores } from '@parley/lm/episodes';
import { ppo } from '../ppo.ts';
import { reward } from '../reward.ts';
import { finishedReport, type RunOptions } from '../run-options.ts';
import { answersOf, batchesWithGold, divergencesFrom, goldOf, maxTokens, mean } from './gold-answers.ts';
import { type GoldStart, makeGoldStart, writeLines } from './gold-start.ts';
import { type Question, rankByLabeller } from './gold-task.ts';
import { type WinRate, winRateOf } from './win-rate.ts';

const iterations = 3;
const rankingsOfQuestion = 8;
const answersRanked = 4;
const labellerNoise = 0.5;
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
  const at = (name: string) => join(folder, name);
  const start = await makeGoldStart(folder, seed);
  const { asked, heldOut, fineTuned, prompts, demonstrations } = start;
  const random = new Random(seed * 1000 + 1);
  const quiet = { quiet: true };
  const goldBefore = goldOf(await answersOf(fineTuned, heldOut, evaluated, seed));
  const report: SeedReport = { sft: mean(goldBefore), bestOf16: 0, iterations: [], overOptimisation: [] };
  say(`seed ${seed}: fine-tuned model ${report.sft.toFixed(2)}`);

  // Three rounds of rankings, reward model and PPO.
  const rankings: object[] = [];
  let policy = fineTuned;
  for (let round = 1; round <= iterations; round++) {
    const written = await answersOf(policy, asked, rankingsOfQuestion * answersRanked, seed + round * 100);
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
        ...{ demonstrations, learningRate: 5e-4, batch: 8 },
      }),
      quiet,
    );
    await ppo(
      ppoRecipeSchema.parse({
        ...{ model: policy, reference: fineTuned, rewardModel: at(`reward-${round}/model`), out: at(`ppo-${round}`) },
        ...{ prompts, steps: 40, batch: 64, maxTokens, beta: 0.1, learningRate: 2e-4 },
        ...{ valueRate: 5e-4, noEndScore: -3, seed: seed + round },
      }),
      quiet,
    );
    policy = at(`ppo-${round}/model`);
    const after = await answersOf(policy, heldOut, evaluated, seed);
    const gold = goldOf(after);
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
  report.overOptimisation = await overOptimise(folder, start, seed);
  return report;
}

async function bestByReward(policy: string, rewardModel: string, questions: Question[], seed: number): Promise<number> {
  const answers = await answersOf(policy, questions, bestOf, seed + 7);
  const scores = measureScores(loadModel(rewardModel).model, answers, 8192);
  const best = questions.map((_, index) => {
    const own = Array.from({ length: bestOf }, (_, k) => index * bestOf + k);
    return own.reduce((a, b) => (scores[b]! > scores[a]! ? b : a));
  });
  const gold = goldOf(answers);
  return mean(best.map((index) => gold[index]!));
}

/** PPO with nothing that holds it, against the first reward model; gold and learned reward of what it wrote. */
async function overOptimise(
  folder: string,
  { asked, fineTuned, prompts }: GoldStart,
  seed: number,
): Promise<SeedReport['overOptimisation']> {
  const out = join(folder, 'free');
  await ppo(
    ppoRecipeSchema.parse({
      ...{ model: fineTuned, rewardModel: join(folder, 'reward-1/model'), prompts, out },
      ...{ steps: 120, batch: 64, maxTokens, beta: 0, learningRate: 4e-4, valueRate: 1e-3, schedule: 'wsd', floor: 1 },
      ...{ noEndScore: -3, klLimit: 10_000, earlyStop: 1, dump: true, seed },
    }),
    { quiet: true },
  );
  return batchesWithGold(out, asked).map(({ metric, gold }) => ({ kl: metric.kl!, learned: metric.reward!, gold }));
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
          {
            name: `gold ${index + 1}`,
            colour: index,
            points: overOptimisation.map(({ kl, gold }) => ({ x: root(kl), y: gold })),
          },
          {
            name: `learned ${index + 1}`,
            faint: true,
            colour: index,
            points: overOptimisation.map(({ kl, learned }) => ({ x: root(kl), y: learned })),
          },
        ]),
      ),
    },
  });
}
