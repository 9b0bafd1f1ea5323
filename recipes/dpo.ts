/**
 * Direct preference optimisation (Rafailov et al. 2023): a policy learns from pairs of answers without a reward model
 * and without writing any. What the reference, the model that it starts from, finds of each answer is computed once;
 * then β (log π/π_ref of the chosen answer − that of the rejected one) is the logit of the people's choice.
 */
import { basename, resolve } from 'node:path';
import type { DpoRecipe, DpoReport } from '@parley/contracts';
import { AdamW, backward, knownGradient, learningRateAt, scope, setPrecision, setThreads } from '@parley/engine';
import { loadModel, lossChart, Progress, RunDirectory, saveModel, writeReport } from '@parley/lm/checkpoint';
import { readPreferences } from '@parley/lm/data';
import { answerLogProbabilities, type Episode, groupsOf, layOut, measureTokens } from '@parley/lm/episodes';
import { directPreferenceLoss, rankedPairsOf } from '@parley/lm/losses';
import type { Llama } from '@parley/lm/models';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { type EncodedComparison, type SplitPreferences, splitPreferences } from './preference-data.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { ShuffledOrder } from './shuffled-order.ts';
import { TrainingMeter } from './training-meter.ts';

const metricsEvery = 5;

type LoadedModel = ReturnType<typeof loadModel>;

export interface DpoOptions extends RunOptions {
  /** What the recipe would read from its file, made in memory. */
  parts?: SplitPreferences;
}

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function dpo(recipe: DpoRecipe, options: DpoOptions = {}): Promise<DpoReport> {
  const base = loadModel(recipe.model);
  const parts = options.parts ?? readParts(recipe, base);
  const config = { ...recipe, preferencesHash: parts.hash, modelHash: base.manifest.weightsHash };
  const mayChange = ['out', 'preferences', 'model', 'threads', 'checkpointEvery', 'tokens'];
  const run = RunDirectory.open(recipe.out, config, mayChange);
  try {
    if (run.finished) return finishedReport<DpoReport>(run, options);
    return await interruptible((stop) => train(recipe, parts, base, run, stop, options));
  } finally {
    run.close();
  }
}

async function train(
  recipe: DpoRecipe,
  parts: SplitPreferences,
  { model: policy, tokenizer, manifest: parent }: LoadedModel,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: RunOptions,
): Promise<DpoReport> {
  setPrecision(recipe.precision);
  if (recipe.threads > 0) setThreads(recipe.threads);
  const { batch, beta } = recipe;
  const pairs = pairsOf(parts.train.comparisons, policy, recipe.tokens);
  const heldOut = pairsOf(parts.heldOut.comparisons, policy, recipe.tokens);
  if (pairs.length === 0) {
    throw new Error(
      `${recipe.preferences} holds single thumbs only; DPO learns from pairs, a reward model from either`,
    );
  }
  const steps = Math.max(1, Math.ceil((pairs.length * recipe.epochs) / batch));
  const progress = new Progress('dpo', steps, { quiet });
  const note = `${pairs.length} pairs to learn from, ${heldOut.length} held out, ${parts.dropped} preferences too long`;
  progress.note(note);

  const { parameters } = policy;
  const optimizer = new AdamW(parameters, { ...recipe, epsilon: 1e-8 });
  const arrays = { values: parameters.values, first: optimizer.firstMoment, second: optimizer.secondMoment };
  const meter = new TrainingMeter(run.resumeFrom);
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    optimizer.steps = run.resumeFrom.step;
    progress.note(`going on from step ${run.resumeFrom.step}`);
  }
  const order = new ShuffledOrder(pairs.length, recipe.seed);

  for (let step = optimizer.steps; step < steps; ) {
    meter.startStep();
    const rate = learningRateAt(step, { ...recipe, steps });
    const taken = order.slice(step * batch, batch).map((index) => pairs[index]!);
    let [loss, right, places] = [0, 0, 0];
    parameters.zeroGradients();
    for (const group of groupsOf(taken, recipe.tokens)) {
      scope(() => {
        // Pairs of one ranking have answers in common, which are read once.
        const episodes = [...new Set(group.flatMap((pair) => pair.episodes))];
        const laidOut = layOut(episodes);
        const now = answerLogProbabilities(policy, laidOut);
        const ends = endsOf(episodes);
        const sums = new Map(
          episodes.map((episode, which) => [episode, sumOf(now.data, ends[which]!, ends[which + 1]!)]),
        );
        const slopes = new Map(episodes.map((episode) => [episode, 0]));
        let groupLoss = 0;
        for (const {
          episodes: [chosen, rejected],
          reference,
        } of group) {
          const judged = directPreferenceLoss(sums.get(chosen)! - sums.get(rejected)! - reference, beta);
          groupLoss += judged.loss / batch;
          if (judged.margin > 0) right++;
          slopes.set(chosen, slopes.get(chosen)! + judged.chosen / batch);
          slopes.set(rejected, slopes.get(rejected)! + judged.rejected / batch);
        }
        const gradient = new Float32Array(now.size);
        for (const [which, episode] of episodes.entries()) {
          gradient.fill(slopes.get(episode)!, ends[which], ends[which + 1]);
        }
        backward(knownGradient(groupLoss, [now, gradient]));
        loss += groupLoss;
        places += laidOut.ids.length;
      });
    }
    const gradientNorm = optimizer.step(rate, recipe.clip);
    step++;
    meter.endStep(loss, places);
    progress.update({ step, loss, tokensPerSecond: meter.tokensPerSecond });
    if (step % metricsEvery === 0 || step === steps) {
      const line = meter.metric({ step, stage: 'dpo', learningRate: rate, gradientNorm });
      run.appendMetric({ ...line, accuracy: right / taken.length });
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

  const judged = advantagesOf(heldOut, policy, recipe.tokens).map((advantage) => directPreferenceLoss(advantage, beta));
  const share = (count: number) => count / Math.max(1, heldOut.length);
  const figures: DpoReport = {
    seconds: Number(meter.seconds.toFixed(1)),
    steps,
    pairs: pairs.length,
    heldOutPairs: heldOut.length,
    heldOutLoss: share(judged.reduce((sum, { loss }) => sum + loss, 0)),
    accuracy: share(judged.filter(({ margin }) => margin > 0).length),
  };
  saveModel(run.path('model'), policy, tokenizer, {
    name,
    stage: 'dpo',
    parent: { name: parent.name, weightsHash: parent.weightsHash },
    data: { name: basename(recipe.preferences), hash: parts.hash },
    recipe,
    seed: recipe.seed,
    metrics: { accuracy: figures.accuracy },
  });
  writeReport(run.folder, {
    title: `DPO of ${name}`,
    figures,
    notes: [note],
    charts: { loss: lossChart(`DPO of ${name}`, run.readMetrics()) },
  });
  progress.note(
    `prefers the chosen of ${(figures.accuracy * 100).toFixed(1)} % of ${heldOut.length} held-out pairs more than the ` +
      `reference does; model in ${run.path('model')}`,
  );
  return figures;
}

function readParts({ preferences, heldOut }: DpoRecipe, { model, tokenizer }: LoadedModel): SplitPreferences {
  return splitPreferences(readPreferences(preferences), tokenizer, {
    context: model.config.max_position_embeddings,
    heldOut,
  });
}

interface Pair {
  /** The chosen answer and the rejected one. */
  episodes: [chosen: Episode, rejected: Episode];
  /** log π_ref(chosen) − log π_ref(rejected), nats. */
  reference: number;
}

/** Every ranked pair, as the policy sees it before it has learned anything. */
function pairsOf(comparisons: readonly EncodedComparison[], reference: Llama, tokens: number): Pair[] {
  const found = answerSums(
    reference,
    comparisons.flatMap(({ episodes }) => episodes),
    tokens,
  );
  let first = 0;
  return comparisons.flatMap(({ episodes, ranking }) => {
    const own = found.slice(first, first + episodes.length);
    first += episodes.length;
    return rankedPairsOf(ranking).map(
      ([better, worse]): Pair => ({
        episodes: [episodes[better]!, episodes[worse]!],
        reference: own[better]! - own[worse]!,
      }),
    );
  });
}

/** How much more than the reference the policy prefers the chosen answer of each pair, nats. */
function advantagesOf(pairs: readonly Pair[], policy: Llama, tokens: number): number[] {
  const found = answerSums(
    policy,
    pairs.flatMap(({ episodes }) => episodes),
    tokens,
  );
  return pairs.map(({ reference }, index) => found[2 * index]! - found[2 * index + 1]! - reference);
}

/** log π of whole answers, nats. */
function answerSums(model: Llama, episodes: readonly Episode[], tokens: number): number[] {
  return measureTokens(model, episodes, answerLogProbabilities, tokens).map((t) => sumOf(t, 0, t.length));
}

/** Where each episode's answer tokens begin among those of all, and where the last ones end. */
function endsOf(episodes: readonly Episode[]): number[] {
  const ends = [0];
  for (const { answer } of episodes) ends.push(ends.at(-1)! + answer.length);
  return ends;
}

function sumOf(values: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let index = from; index < to; index++) sum += values[index]!;
  return sum;
}
