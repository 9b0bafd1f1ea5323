/**
 * Pretraining: from text to a language model, read from top to bottom.
 *
 * The batch of a step is a function of seed and step alone, and a checkpoint holds the weights, both moments of
 * AdamW and the running means. A run that was killed at any instant therefore ends with the same bits as one that
 * was not.
 */
import { basename, resolve } from 'node:path';
import type { PretrainRecipe, PretrainReport } from '@parley/contracts';
import { AdamW, backward, learningRateAt, Random, scope, setPrecision, setThreads } from '@parley/engine';
import { lossChart, Progress, RunDirectory, saveModel, writeReport } from '@parley/lm/checkpoint';
import { deriveArchitecture, deriveTraining, Llama } from '@parley/lm/models';
import { openCorpus } from './corpus.ts';
import { bitsPerByte, heldOutLoss } from './held-out-loss.ts';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { type DataIdentity, identifyData } from './text-source.ts';
import { TrainingMeter } from './training-meter.ts';
import { ShuffledWindows } from './windows.ts';

/** Steps between two lines of metrics. */
const metricsEvery = 10;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function pretrain(recipe: PretrainRecipe, options: RunOptions = {}): Promise<PretrainReport> {
  const data = identifyData(recipe.data);
  const config = { ...recipe, dataHash: data.hash };
  const run = RunDirectory.open(recipe.out, config, [
    'out',
    'data',
    'threads',
    'checkpointEvery',
    'activationCheckpointing',
  ]);
  try {
    if (run.finished) return finishedReport<PretrainReport>(run, options);
    return await interruptible((stop) => train(recipe, data, run, stop, options));
  } finally {
    run.close();
  }
}

async function train(
  recipe: PretrainRecipe,
  data: DataIdentity,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: RunOptions,
): Promise<PretrainReport> {
  setPrecision(recipe.precision);
  if (recipe.threads > 0) setThreads(recipe.threads);

  // Text → tokens, and from depth to everything that was not set.
  const corpus = openCorpus(recipe.data, recipe.tokenizer, run.path('shards'));
  const { tokenizer } = corpus;
  const architecture = deriveArchitecture(recipe, tokenizer.vocabulary);
  const { context } = recipe;
  const { batch, learningRate, steps, explanations } = deriveTraining({
    ...recipe,
    parameters: architecture.parameters,
  });
  const tokensPerStep = batch * context;
  if (batch % recipe.accumulate !== 0) {
    throw new RangeError(`--accumulate ${recipe.accumulate} does not divide the batch of ${batch}; choose a divisor`);
  }
  const notes = [...architecture.explanations, ...explanations];

  const progress = new Progress('pretrain', steps, { quiet });
  for (const note of notes) progress.note(note);

  // The model, its optimizer and the order of the data: all from the seed, or from the last checkpoint.
  const model = new Llama(architecture.config, new Random(recipe.seed));
  model.activationCheckpointing = recipe.activationCheckpointing;
  const { parameters } = model;
  const optimizer = new AdamW(parameters, { ...recipe, epsilon: 1e-8 });
  const windows = new ShuffledWindows(corpus.train, context, recipe.seed);
  const arrays = { values: parameters.values, first: optimizer.firstMoment, second: optimizer.secondMoment };
  const meter = new TrainingMeter(run.resumeFrom);
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    optimizer.steps = run.resumeFrom.step;
    progress.note(`going on from step ${run.resumeFrom.step}`);
  }
  const checkpoint = (step: number) =>
    run.saveCheckpoint({
      step,
      seconds: meter.seconds,
      arrays,
      state: meter.state(),
    });

  for (let step = optimizer.steps; step < steps; ) {
    meter.startStep();
    const rate = learningRateAt(step, { ...recipe, learningRate, steps });
    const rows = batch / recipe.accumulate;
    let loss = 0;
    parameters.zeroGradients();
    for (let part = 0; part < recipe.accumulate; part++) {
      const { ids, targets } = windows.batch(step * batch + part * rows, rows);
      scope(() => {
        const { loss: partLoss } = model.loss(ids, targets, {
          batch: rows,
          length: context,
          normalizer: tokensPerStep,
        });
        backward(partLoss);
        loss += partLoss.data[0]!;
      });
    }
    const gradientNorm = optimizer.step(rate, recipe.clip);
    step++;
    meter.endStep(loss, tokensPerStep);
    progress.update({ step, loss, tokensPerSecond: meter.tokensPerSecond });

    const evaluates = step % recipe.evaluateEvery === 0 && step < steps;
    if (evaluates || step % metricsEvery === 0 || step === steps) {
      const validationLoss = evaluates
        ? heldOutLoss(model, corpus.validation, { batches: recipe.evaluateBatches, batch }).loss
        : undefined;
      const metric = meter.metric({ step, stage: 'pretrain', learningRate: rate, gradientNorm, validationLoss });
      run.appendMetric(metric);
      if (evaluates)
        progress.note(
          `step ${step}: training loss ${metric.loss?.toFixed(4)}, validation loss ${validationLoss?.toFixed(4)}`,
        );
    }
    // A signal arrives here, and must be seen before it is decided whether to save.
    await breathe();
    if (step % recipe.checkpointEvery === 0 || step === steps || stop.aborted) checkpoint(step);
    if (stop.aborted && step < steps) {
      progress.end();
      throw new StoppedError(`stopped at step ${step} of ${steps}; the same command goes on from there`);
    }
  }

  // The verdict: the loss over the whole validation part, in nats per token and in bits per byte.
  const held = heldOutLoss(model, corpus.validation, { batch });
  const figures = {
    tokens: steps * tokensPerStep,
    seconds: Number(meter.seconds.toFixed(1)),
    tokensPerSecond: Math.round(meter.meanTokensPerSecond),
    validationLoss: held.loss,
    bitsPerByte: bitsPerByte(held.nats, corpus.bytes.validation),
    parameters: architecture.parameters,
    vocabulary: tokenizer.vocabulary,
    steps,
    batch,
    learningRate,
  };
  saveModel(run.path('model'), model, tokenizer, {
    name,
    stage: 'pretrain',
    parent: null,
    data,
    recipe,
    seed: recipe.seed,
    metrics: { validationLoss: figures.validationLoss, bitsPerByte: figures.bitsPerByte },
  });
  writeReport(run.folder, {
    title: `Pretraining of ${name}`,
    figures,
    notes,
    charts: { loss: lossChart(`Pretraining of ${name}`, run.readMetrics()) },
  });
  progress.note(
    `validation loss ${held.loss.toFixed(4)}, ${figures.bitsPerByte.toFixed(4)} bits per byte; model in ${run.path('model')}`,
  );
  return figures;
}
