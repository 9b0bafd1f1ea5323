/**
 * Study `optimum`: do the methods arrive where the mathematics says?
 *
 * The world of outcomes.ts has so few answers that every one can be counted. A small policy learns from drawn rewards
 * by PPO, TRPO and GRPO and, from comparisons that go as these rewards have it, by DPO; then its exact distribution over
 * all answers is held against the optimum π* ∝ π_ref exp(r / β), or for GRPO against the fixed point that is its own.
 */
import {
  dpoRecipeSchema,
  grpoRecipeSchema,
  modelConfigSchema,
  ppoRecipeSchema,
  type StudyRecipe,
  trpoRecipeSchema,
} from '@parley/contracts';
import { Random, setPrecision } from '@parley/engine';
import { lineChart, loadModel, RunDirectory, saveModel, writeReport } from '@parley/lm/checkpoint';
import type { Episode } from '@parley/lm/episodes';
import { sigmoid } from '@parley/lm/losses';
import { Llama } from '@parley/lm/models';
import { characterTokenizer } from '@parley/lm/tokenizer';
import { dpo } from '../dpo.ts';
import { grpo } from '../grpo.ts';
import type { PolicyInputs } from '../policy-run.ts';
import { ppo } from '../ppo.ts';
import type { EncodedComparison, SplitPreferences } from '../preference-data.ts';
import { finishedReport, type RunOptions } from '../run-options.ts';
import { trpo } from '../trpo.ts';
import { everyAnswer, groupRelativeFixedPoint, probabilitiesOf, tilted, totalVariation } from './outcomes.ts';

const alphabet = '.abcd';
/** The end token, which no answer holds but at its end: attention cannot count repetitions of one token. */
const prompt = [0];
const longest = 3;
const beta = 0.5;
const batch = 512;
const comparisonsOfTwo = 100;

export interface OptimumReport {
  seconds: number;
  /** Total variation distance of each method's policy to the optimum that it is meant to reach. */
  optimum: Record<string, number>;
  /** Distance of the untrained reference, and of GRPO to π*. */
  referenceDistance: number;
  groupRelativeToOptimum: number;
}

/** Runs all methods; those that finished before are not run again. */
export async function studyOptimum(recipe: StudyRecipe, options: RunOptions = {}): Promise<OptimumReport> {
  const started = performance.now();
  const run = RunDirectory.open(recipe.out, { study: 'optimum', seed: recipe.seed });
  try {
    if (run.finished) return finishedReport<OptimumReport>(run, options);
    const { quiet = false } = options;
    setPrecision('f32');
    const folder = writeReference(run.path('reference'), recipe.seed);
    const answers = everyAnswer(prompt, alphabet.length, longest);
    const rewards = drawRewards(answers, recipe.seed);
    const reference = probabilitiesOf(loadModel(folder).model, answers);

    const shared = {
      ...{ model: folder, reward: 'drawn', prompts: 'one', batch, maxTokens: longest, noEndScore: 0 },
      ...{ warmup: 0, schedule: 'cosine', floor: 0.02, klLimit: 1000, precision: 'f32', seed: recipe.seed },
      ...{ beta, checkpointEvery: 100 },
    };
    const at = (method: string) => ({ ...shared, out: run.path(method) });
    const learn = { quiet: true };
    const say = (text: string) => void (quiet || process.stderr.write(`optimum  ${text}\n`));
    const inputs = () => inMemory(folder, answers, rewards);
    const methods: Record<string, () => Promise<unknown>> = {
      ppo: () =>
        ppo(
          ppoRecipeSchema.parse({
            ...at('ppo'),
            ...{ steps: 150, epochs: 2, minibatches: 2, lambda: 1, learningRate: 2e-3, valueRate: 4e-3, clipValue: 10 },
          }),
          { ...learn, inputs: inputs() },
        ),
      trpo: () =>
        trpo(
          trpoRecipeSchema.parse({
            ...at('trpo'),
            ...{ steps: 60, trustRegion: 0.003, damping: 0.01, fisherShare: 0.25, lambda: 1, valueRate: 4e-3 },
          }),
          { ...learn, inputs: inputs() },
        ),
      grpo: () =>
        grpo(
          grpoRecipeSchema.parse({
            ...at('grpo'),
            ...{ steps: 250, group: batch, minibatches: 1, learningRate: 2e-3 },
          }),
          { ...learn, inputs: inputs() },
        ),
      dpo: () =>
        dpo(
          dpoRecipeSchema.parse({
            ...{ model: folder, preferences: 'expected', out: run.path('dpo'), beta, batch: 2048, epochs: 6 },
            ...{
              learningRate: 5e-3,
              warmup: 0,
              schedule: 'cosine',
              floor: 0.02,
              precision: 'f32',
              tokens: 32_768,
              seed: recipe.seed,
            },
          }),
          { ...learn, parts: expectedPreferences(answers, rewards) },
        ),
    };

    const best = tilted(reference, rewards, beta);
    const groupRelative = groupRelativeFixedPoint(answers, reference, rewards, beta);
    const reached: Record<string, Float64Array> = {};
    const optimum: Record<string, number> = {};
    for (const [method, train] of Object.entries(methods)) {
      await train();
      reached[method] = probabilitiesOf(loadModel(run.path(method, 'model')).model, answers);
      optimum[method] = totalVariation(reached[method], method === 'grpo' ? groupRelative : best);
      say(`${method}: total variation ${optimum[method].toFixed(4)} from its optimum`);
    }
    const report: OptimumReport = {
      seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
      optimum,
      referenceDistance: totalVariation(reference, best),
      groupRelativeToOptimum: totalVariation(reached.grpo!, best),
    };
    writeOptimumReport(run, report, { best, groupRelative, reached, reference });
    say(`done in ${report.seconds} s; read ${run.path('report.md')}`);
    return report;
  } finally {
    run.close();
  }
}

/** An untrained policy, with weights large enough that it has preferences of its own. */
function writeReference(folder: string, seed: number): string {
  const config = modelConfigSchema.parse({
    ...{ vocab_size: alphabet.length, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, head_dim: 16 },
    ...{ num_attention_heads: 2, num_key_value_heads: 2, max_position_embeddings: 8, initializer_range: 0.15 },
    eos_token_id: 0,
  });
  const lineage = { name: 'reference', stage: 'sft', parent: null, data: null, recipe: {}, seed, metrics: {} } as const;
  saveModel(folder, new Llama(config, new Random(seed)), characterTokenizer(alphabet), lineage);
  return folder;
}

/** Normal rewards, but the fixed score where an answer does not end, as the recipes have it. */
function drawRewards(answers: readonly Episode[], seed: number): Float64Array {
  const random = new Random(seed + 1000);
  return Float64Array.from(answers, ({ ended }) => random.normal() * (ended ? 1 : 0));
}

function inMemory(folder: string, answers: readonly Episode[], rewards: Float64Array): PolicyInputs {
  const rewardOf = new Map(answers.map(({ answer }, index) => [answer.join(), rewards[index]!]));
  return {
    policy: loadModel(folder),
    reference: loadModel(folder).model,
    source: {
      identity: 'drawn',
      model: null,
      score: async (_, rollouts) => Float32Array.from(rollouts, ({ answer }) => rewardOf.get(answer.join())!),
    },
    prompts: [{ messages: [{ role: 'user', content: alphabet[prompt[0]!]! }], ids: prompt }],
    dropped: 0,
    identity: { modelHash: 'drawn', referenceHash: 'drawn', rewardHash: 'drawn', promptsHash: 'drawn' },
  };
}

/**
 * Every two answers, compared as often as any others: what DPO's optimum is does not depend on which answers are
 * compared, how well it is known does, and the reference seldom writes the best ones. Of its comparisons, a wins the
 * share σ(r_a − r_b) that Bradley and Terry (1952) expect, so that no luck of a draw stands between DPO and π*.
 */
function expectedPreferences(answers: readonly Episode[], rewards: Float64Array): SplitPreferences {
  const comparisons = answers.flatMap((a, index) =>
    answers.slice(index + 1).flatMap((b, after): EncodedComparison[] => {
      const wins = Math.round(comparisonsOfTwo * sigmoid(rewards[index]! - rewards[index + 1 + after]!));
      const episodes = [a, b];
      return Array.from({ length: comparisonsOfTwo }, (_, which) => ({
        episodes,
        ranking: which < wins ? [1, 2] : [2, 1],
        language: 'none',
      }));
    }),
  );
  const none = { comparisons: [], judgements: [] };
  return { train: { comparisons, judgements: [] }, heldOut: none, dropped: 0, hash: 'expected' };
}

function writeOptimumReport(
  run: RunDirectory,
  report: OptimumReport,
  found: {
    best: Float64Array;
    groupRelative: Float64Array;
    reference: Float64Array;
    reached: Record<string, Float64Array>;
  },
): void {
  const { best, groupRelative, reference, reached } = found;
  const order = Array.from(best, (_, index) => index).sort((a, b) => best[b]! - best[a]!);
  const curve = (name: string, values: Float64Array, faint = false) => ({
    name,
    faint,
    points: order.map((index, place) => ({ x: place + 1, y: values[index]! })),
  });
  const chart = (title: string, series: ReturnType<typeof curve>[]) =>
    lineChart(title, { x: 'answer, most likely of the optimum first', y: 'probability' }, series);
  writeReport(run.folder, {
    title: 'Do PPO, TRPO, GRPO and DPO find the optimum?',
    figures: { ...report },
    tables: [
      {
        title: 'Total variation distance to the optimum, computed over every answer',
        columns: ['method', 'its optimum', 'distance'],
        rows: [
          ['reference, untrained', 'π*', report.referenceDistance],
          ...Object.entries(report.optimum).map(([method, distance]) => [
            method,
            method === 'grpo' ? 'its own fixed point' : 'π*',
            distance,
          ]),
          ['grpo', 'π*', report.groupRelativeToOptimum],
        ],
      },
    ],
    notes: [
      `${best.length} answers, β = ${beta}. π* ∝ π_ref exp(r / β) maximises E[r] − β KL(π ‖ π_ref).`,
      'GRPO rests elsewhere. Its penalty has the gradient of KL(π_ref ‖ π) at each state, its rewards are divided by ' +
        'their deviation σ, and a token gets no credit for the divergence that it brings about later. The expected ' +
        'gradient then vanishes exactly where π(a) = β π_ref(a) / (λ − Q(a) / σ) at every state, with the λ that makes ' +
        'π sum to 1; the table measures GRPO against that policy, solved from the last states backwards.',
    ],
    charts: {
      'to-the-optimum': chart('Policies and the optimum', [
        curve('π*', best),
        ...['ppo', 'trpo', 'dpo'].map((method) => curve(method, reached[method]!)),
        curve('reference', reference, true),
      ]),
      grpo: chart('GRPO and its fixed point', [
        curve('fixed point', groupRelative),
        curve('grpo', reached.grpo!),
        curve('π*', best, true),
      ]),
    },
  });
}
