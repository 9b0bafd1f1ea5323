/**
 * What a recipe that learns from its own answers leaves: the model with its lineage, and a report with curves over the
 * batches, first and last figures.
 */
import { basename } from 'node:path';
import type { Metric, PolicyReport } from '@parley/contracts';
import { lineChart, type Progress, type RunDirectory, saveModel, writeReport } from '@parley/lm/checkpoint';
import type { PolicyInputs } from './policy-run.ts';

interface Ending {
  inputs: PolicyInputs;
  recipe: { prompts: string; seed: number; batch: number };
  seconds: number;
  progress: Progress;
}

export function finishPolicyRun(
  run: RunDirectory,
  stage: 'ppo' | 'trpo' | 'grpo',
  name: string,
  { inputs, recipe, seconds, progress }: Ending,
): PolicyReport {
  const { model, tokenizer, manifest: parent } = inputs.policy;
  saveModel(run.path('model'), model, tokenizer, {
    name,
    stage,
    parent: { name: parent.name, weightsHash: parent.weightsHash },
    data: { name: basename(recipe.prompts), hash: inputs.identity.promptsHash },
    recipe: { ...recipe, ...inputs.identity },
    seed: recipe.seed,
    metrics: {},
  });
  return writePolicyReport(run, stage, name, { seconds, batch: recipe.batch }, progress);
}

/** Batches at either end whose means are set beside each other. */
const ends = 5;

type PolicyMetric = Metric & Record<string, number>;

function writePolicyReport(
  run: RunDirectory,
  stage: string,
  name: string,
  { seconds, batch }: { seconds: number; batch: number },
  progress: Progress,
): PolicyReport {
  const metrics = run.readMetrics() as PolicyMetric[];
  const meanOf = (part: PolicyMetric[], key: string) =>
    part.reduce((sum, metric) => sum + (metric[key] ?? 0), 0) / Math.max(1, part.length);
  const summaryOf = (part: PolicyMetric[]) => ({
    reward: meanOf(part, 'reward'),
    kl: meanOf(part, 'kl'),
    length: meanOf(part, 'length'),
    ended: meanOf(part, 'ended'),
    sameLanguage: meanOf(part, 'sameLanguage'),
    entropy: meanOf(part, 'entropy'),
  });
  const sumOf = (key: string) => metrics.reduce((sum, metric) => sum + (metric[key] ?? 0), 0);
  const times = { generate: sumOf('generateSeconds'), score: sumOf('scoreSeconds'), learn: sumOf('learnSeconds') };
  const spent = times.generate + times.score + times.learn;
  const episodes = metrics.length * batch;
  const figures: PolicyReport = {
    seconds: Number(seconds.toFixed(1)),
    steps: metrics.length,
    episodes,
    secondsPer1000Episodes: (spent / episodes) * 1000,
    flops: sumOf('flops'),
    share: { generate: times.generate / spent, score: times.score / spent, learn: times.learn / spent },
    first: summaryOf(metrics.slice(0, ends)),
    last: summaryOf(metrics.slice(-ends)),
  };
  const curve = (title: string, y: string, key: string) =>
    lineChart(title, { x: 'batch', y }, [
      { name: key, points: metrics.map((metric) => ({ x: metric.step, y: metric[key]! })) },
    ]);
  let teraFlops = 0;
  const rewardByFlops = metrics.map(({ reward, flops }) => {
    const point = { x: teraFlops, y: reward! };
    teraFlops += flops! / 1e12;
    return point;
  });
  writeReport(run.folder, {
    title: `${stage.toUpperCase()} of ${name}`,
    figures,
    tables: [
      {
        title: `Mean of the first and the last ${ends} batches`,
        columns: ['', 'first', 'last'],
        rows: Object.keys(figures.first).map((key) => [
          key,
          figures.first[key as keyof PolicyReport['first']] as number,
          figures.last[key as keyof PolicyReport['last']] as number,
        ]),
      },
      {
        title: 'Where the time goes',
        columns: ['', 'share'],
        rows: Object.entries(figures.share).map(([what, share]) => [what, share]),
      },
    ],
    charts: {
      reward: curve('Reward', 'mean reward', 'reward'),
      divergence: curve('Divergence from the reference', 'nats per answer', 'kl'),
      length: curve('Length of answers', 'tokens', 'length'),
      entropy: curve('Entropy of the policy', 'nats per token', 'entropy'),
      computation: lineChart('Reward by computation', { x: 'TFLOP until then', y: 'mean reward' }, [
        { name: 'reward', points: rewardByFlops },
      ]),
    },
  });
  progress.note(
    `reward ${figures.first.reward.toFixed(3)} → ${figures.last.reward.toFixed(3)} at a divergence of ` +
      `${figures.last.kl.toFixed(2)} nats; model in ${run.path('model')}`,
  );
  return figures;
}
