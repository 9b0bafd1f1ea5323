/**
 * The reward model: from people's rankings to a number for any answer. The fine-tuned model gets a scalar head, read
 * at the token that ends the answer, and learns to score the better answer of every pair higher (Bradley and Terry
 * 1952). All pairs of a prompt count as one example, in one pass: shuffled, they overfit (Ouyang et al. 2022).
 */
import { basename, resolve } from 'node:path';
import type { RewardRecipe, RewardReport } from '@parley/contracts';
import {
  AdamW,
  backward,
  knownGradient,
  learningRateAt,
  Random,
  scope,
  setPrecision,
  setThreads,
} from '@parley/engine';
import { loadModel, lossChart, Progress, RunDirectory, saveModel, writeReport } from '@parley/lm/checkpoint';
import { readDemonstrations, readPreferences } from '@parley/lm/data';
import { type Episode, encodeEpisode, episodeScores, groupsOf, layOut, measureScores } from '@parley/lm/episodes';
import { rankingLoss, thumbLoss } from '@parley/lm/losses';
import { toScorer } from '@parley/lm/models';
import type { Tokenizer } from '@parley/lm/tokenizer';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { type PreferencePart, splitPreferences } from './preference-data.ts';
import { type RewardQuality, rewardQuality } from './reward-quality.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { ShuffledOrder } from './shuffled-order.ts';
import { TrainingMeter } from './training-meter.ts';

const metricsEvery = 5;
/** So many demonstrations give a steady mean. */
const normalisedOver = 200;

type LoadedModel = ReturnType<typeof loadModel>;
type Learned = ReturnType<typeof readPreferences>;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function reward(recipe: RewardRecipe, options: RunOptions = {}): Promise<RewardReport> {
  const preferences = readPreferences(recipe.preferences);
  const base = loadModel(recipe.model);
  const config = { ...recipe, preferencesHash: preferences.hash, modelHash: base.manifest.weightsHash };
  const mayChange = ['out', 'preferences', 'model', 'threads', 'checkpointEvery', 'tokens'];
  const run = RunDirectory.open(recipe.out, config, mayChange);
  try {
    if (run.finished) return finishedReport<RewardReport>(run, options);
    return await interruptible((stop) => train(recipe, preferences, base, run, stop, options));
  } finally {
    run.close();
  }
}

async function train(
  recipe: RewardRecipe,
  preferences: Learned,
  { model: base, tokenizer, manifest: parent }: LoadedModel,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: RunOptions,
): Promise<RewardReport> {
  setPrecision(recipe.precision);
  if (recipe.threads > 0) setThreads(recipe.threads);
  const { batch } = recipe;

  // Preferences → episodes, some held out; the fine-tuned model → a scorer.
  const context = base.config.max_position_embeddings;
  const parts = splitPreferences(preferences, tokenizer, { context, heldOut: recipe.heldOut });
  const scorer = toScorer(base, new Random(recipe.seed));
  const examples = examplesOf(parts.train);
  const steps = Math.max(1, Math.ceil((examples.length * recipe.epochs) / batch));
  const progress = new Progress('reward', steps, { quiet });
  const notes = [
    `${parts.train.comparisons.length} comparisons and ${parts.train.judgements.length} single thumbs to learn from, ` +
      `${parts.heldOut.comparisons.length} comparisons held out, ${parts.dropped} too long for ${context} tokens`,
  ];
  for (const note of notes) progress.note(note);

  const { parameters } = scorer;
  const optimizer = new AdamW(parameters, { ...recipe, epsilon: 1e-8 });
  const arrays = { values: parameters.values, first: optimizer.firstMoment, second: optimizer.secondMoment };
  const meter = new TrainingMeter(run.resumeFrom);
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    optimizer.steps = run.resumeFrom.step;
    progress.note(`going on from step ${run.resumeFrom.step}`);
  }
  const order = new ShuffledOrder(examples.length, recipe.seed);

  for (let step = optimizer.steps; step < steps; ) {
    meter.startStep();
    const rate = learningRateAt(step, { ...recipe, steps });
    const taken = order.slice(step * batch, batch).map((index) => examples[index]!);
    let [loss, pairs, agreed, places] = [0, 0, 0, 0];
    parameters.zeroGradients();
    for (const group of groupsOf(taken, recipe.tokens)) {
      scope(() => {
        const laidOut = layOut(group.flatMap(({ episodes }) => episodes));
        const scores = episodeScores(scorer, laidOut);
        const gradient = new Float32Array(scores.size);
        let groupLoss = 0;
        let at = 0;
        for (const { episodes, judge } of group) {
          const judged = judge(scores.data.subarray(at, at + episodes.length));
          groupLoss += judged.loss / batch;
          pairs += judged.pairs;
          agreed += judged.agreed;
          for (const value of judged.gradient) gradient[at++] = value / batch;
        }
        backward(knownGradient(groupLoss, [scores, gradient]));
        loss += groupLoss;
        places += laidOut.ids.length;
      });
    }
    const gradientNorm = optimizer.step(rate, recipe.clip);
    step++;
    meter.endStep(loss, places);
    progress.update({ step, loss, tokensPerSecond: meter.tokensPerSecond });
    if (step % metricsEvery === 0 || step === steps) {
      const line = meter.metric({ step, stage: 'reward', learningRate: rate, gradientNorm });
      run.appendMetric({ ...line, accuracy: agreed / Math.max(1, pairs) });
    }
    // A signal arrives here, and must be seen before it is decided whether to save.
    await breathe();
    if (step % recipe.checkpointEvery === 0 || step === steps || stop.aborted) {
      run.saveCheckpoint({ step, seconds: meter.seconds, arrays, state: meter.state() });
    }
    if (stop.aborted && step < steps) {
      progress.end();
      throw new StoppedError(`stopped at step ${step} of ${steps}; the same command goes on from there`);
    }
  }

  // Normalised so that what people would write scores 0 on average; then measured on what was held out.
  const liked = likedEpisodes(recipe, parts.train, tokenizer, context);
  scorer.config.reward_offset = mean(measureScores(scorer, liked, recipe.tokens));
  const quality = rewardQuality(parts.heldOut.comparisons, (episodes) =>
    measureScores(scorer, episodes, recipe.tokens),
  );
  const { pairs: heldOutPairs, ...measured } = quality;
  const figures: RewardReport = {
    seconds: Number(meter.seconds.toFixed(1)),
    steps,
    comparisons: parts.train.comparisons.length,
    judgements: parts.train.judgements.length,
    heldOutPairs,
    ...measured,
  };
  saveModel(run.path('model'), scorer, tokenizer, {
    name,
    stage: 'reward',
    parent: { name: parent.name, weightsHash: parent.weightsHash },
    data: { name: basename(recipe.preferences), hash: preferences.hash },
    recipe,
    seed: recipe.seed,
    metrics: { accuracy: quality.accuracy, longerWins: quality.longerWins.model },
  });
  writeReport(run.folder, {
    title: `Reward model ${name}`,
    figures,
    notes,
    tables: tablesOf(quality),
    charts: { loss: lossChart(`Reward model ${name}`, run.readMetrics()) },
  });
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  progress.note(
    `orders ${percent(quality.accuracy)} of ${heldOutPairs} held-out pairs as people did, prefers the longer answer in ` +
      `${percent(quality.longerWins.model)} (people: ${percent(quality.longerWins.people)}); model in ${run.path('model')}`,
  );
  return figures;
}

/** An element of a batch: episodes that are scored together, and what their scores cost. */
interface Example {
  episodes: Episode[];
  judge(scores: Float32Array): {
    loss: number;
    gradient: ArrayLike<number> & Iterable<number>;
    pairs: number;
    agreed: number;
  };
}

function examplesOf({ comparisons, judgements }: PreferencePart): Example[] {
  return [
    ...comparisons.map(({ episodes, ranking }) => ({
      episodes,
      judge: (scores: Float32Array) => rankingLoss(scores, ranking),
    })),
    ...judgements.map(({ episode, up }) => ({
      episodes: [episode],
      judge: (scores: Float32Array) => {
        const { loss, gradient } = thumbLoss(scores[0]!, up);
        return { loss, gradient: [gradient], pairs: 0, agreed: 0 };
      },
    })),
  ];
}

/** Demonstrations, or the best answer of every comparison if there are none. */
function likedEpisodes(
  { demonstrations }: RewardRecipe,
  { comparisons, judgements }: PreferencePart,
  tokenizer: Tokenizer,
  context: number,
): Episode[] {
  if (demonstrations !== '') {
    return readDemonstrations(demonstrations, 'train')
      .slice(0, normalisedOver)
      .filter(({ messages }) => tokenizer.renderChat(messages).ids.length < context)
      .map(({ messages }) => encodeEpisode(tokenizer, messages.slice(0, -1), messages.at(-1)!.content, context));
  }
  const best = comparisons.map(({ episodes, ranking }) => episodes[ranking.indexOf(Math.min(...ranking))]!);
  return (best.length > 0 ? best : judgements.map(({ episode }) => episode)).slice(0, normalisedOver);
}

function tablesOf({ byLanguage, byLength, calibration }: RewardQuality) {
  return [
    {
      title: 'Held-out pairs ordered as people did',
      columns: ['', 'pairs', 'share'],
      rows: [
        ...Object.entries(byLanguage).map(([language, { pairs, accuracy }]) => [language, pairs, accuracy]),
        ...Object.entries(byLength).map(([difference, { pairs, accuracy }]) => [
          `preferred answer ${difference}`,
          pairs,
          accuracy,
        ]),
      ],
    },
    {
      title: 'Calibration',
      columns: ['certainty', 'pairs', 'predicted', 'observed'],
      rows: calibration.map(({ from, to, pairs, predicted, observed }) => [
        `${from} to ${to}`,
        pairs,
        predicted,
        observed,
      ]),
    },
  ];
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
