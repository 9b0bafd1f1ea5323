/**
 * Supervised fine-tuning: from a model of text to one that answers, by learning what the assistant says in
 * demonstrations. Loss is taken on the assistant's tokens alone; several conversations share a row, and none sees
 * another. Resumes to the same bits, as pretraining does.
 */
import { basename, resolve } from 'node:path';
import type { Demonstration, SftRecipe, SftReport } from '@parley/contracts';
import { AdamW, backward, learningRateAt, scope, setPrecision, setThreads } from '@parley/engine';
import { loadModel, lossChart, Progress, RunDirectory, saveModel, writeReport } from '@parley/lm/checkpoint';
import { packDemonstrations, readDemonstrations, takeRows } from '@parley/lm/data';
import { heldOutRowsLoss } from './held-out-loss.ts';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { ShuffledOrder } from './shuffled-order.ts';
import { type DataIdentity, identifyData } from './text-source.ts';
import { TrainingMeter } from './training-meter.ts';

const metricsEvery = 10;
/** Where a file of conversations brings no validation part, every so many of them is held out. */
const holdOutEvery = 20;

type LoadedModel = ReturnType<typeof loadModel>;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function sft(recipe: SftRecipe, options: RunOptions = {}): Promise<SftReport> {
  const data = identifyData(recipe.data);
  const base = loadModel(recipe.model);
  const config = { ...recipe, dataHash: data.hash, modelHash: base.manifest.weightsHash };
  const run = RunDirectory.open(recipe.out, config, [
    'out',
    'data',
    'model',
    'threads',
    'checkpointEvery',
    'activationCheckpointing',
  ]);
  try {
    if (run.finished) return finishedReport<SftReport>(run, options);
    return await interruptible((stop) => train(recipe, data, base, run, stop, options));
  } finally {
    run.close();
  }
}

async function train(
  recipe: SftRecipe,
  data: DataIdentity,
  { model, tokenizer, manifest: parent }: LoadedModel,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: RunOptions,
): Promise<SftReport> {
  setPrecision(recipe.precision);
  if (recipe.threads > 0) setThreads(recipe.threads);
  const { batch, accumulate } = recipe;
  if (batch % accumulate !== 0) {
    throw new RangeError(`--accumulate ${accumulate} does not divide the batch of ${batch}; choose a divisor`);
  }

  // Conversations → rows of tokens, with the tokens that count.
  const context = model.config.max_position_embeddings;
  const demonstrations = splitDemonstrations(recipe.data);
  const rows = packDemonstrations(demonstrations.train, tokenizer, context, { seed: recipe.seed });
  const heldOut = packDemonstrations(demonstrations.validation, tokenizer, context);
  const steps = Math.max(1, Math.ceil((rows.count * recipe.epochs) / batch));
  const notes = [
    `${demonstrations.train.length} conversations in ${rows.count} rows of ${context} tokens, ${demonstrations.validation.length} conversations held out`,
  ];
  const progress = new Progress('sft', steps, { quiet });
  for (const note of notes) progress.note(note);

  model.activationCheckpointing = recipe.activationCheckpointing;
  const { parameters } = model;
  const optimizer = new AdamW(parameters, { ...recipe, epsilon: 1e-8 });
  const arrays = { values: parameters.values, first: optimizer.firstMoment, second: optimizer.secondMoment };
  const meter = new TrainingMeter(run.resumeFrom);
  const baseLoss = run.resumeFrom
    ? (run.resumeFrom.state.baseLoss as number)
    : heldOutRowsLoss(model, heldOut, batch).loss;
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    optimizer.steps = run.resumeFrom.step;
    progress.note(`going on from step ${run.resumeFrom.step}`);
  }
  progress.note(`held-out loss before: ${baseLoss.toFixed(4)}`);
  const order = new ShuffledOrder(rows.count, recipe.seed);
  const checkpoint = (step: number) =>
    run.saveCheckpoint({ step, seconds: meter.seconds, arrays, state: { ...meter.state(), baseLoss } });

  for (let step = optimizer.steps; step < steps; ) {
    meter.startStep();
    const rate = learningRateAt(step, { ...recipe, steps });
    const taken = order.slice(step * batch, batch);
    const { counted } = takeRows(rows, taken);
    let loss = 0;
    parameters.zeroGradients();
    for (let first = 0; first < batch; first += batch / accumulate) {
      const part = takeRows(rows, taken.slice(first, first + batch / accumulate));
      scope(() => {
        const layout = { batch: part.count, length: context, starts: part.starts, normalizer: counted };
        const { loss: partLoss } = model.loss(part.ids, part.targets, layout);
        backward(partLoss);
        loss += partLoss.data[0]!;
      });
    }
    const gradientNorm = optimizer.step(rate, recipe.clip);
    step++;
    meter.endStep(loss, batch * context);
    progress.update({ step, loss, tokensPerSecond: meter.tokensPerSecond });

    const evaluates = step % recipe.evaluateEvery === 0 && step < steps;
    if (evaluates || step % metricsEvery === 0 || step === steps) {
      const validationLoss = evaluates ? heldOutRowsLoss(model, heldOut, batch).loss : undefined;
      const metric = meter.metric({ step, stage: 'sft', learningRate: rate, gradientNorm, validationLoss });
      run.appendMetric(metric);
      if (evaluates) {
        progress.note(
          `step ${step}: training loss ${metric.loss?.toFixed(4)}, held-out loss ${validationLoss?.toFixed(4)}`,
        );
      }
    }
    // A signal arrives here, and must be seen before it is decided whether to save.
    await breathe();
    if (step % recipe.checkpointEvery === 0 || step === steps || stop.aborted) checkpoint(step);
    if (stop.aborted && step < steps) {
      progress.end();
      throw new StoppedError(`stopped at step ${step} of ${steps}; the same command goes on from there`);
    }
  }

  const { loss: finalLoss } = heldOutRowsLoss(model, heldOut, batch);
  const figures = {
    seconds: Number(meter.seconds.toFixed(1)),
    heldOutLoss: { base: baseLoss, sft: finalLoss },
    tokens: steps * batch * context,
    tokensPerSecond: Math.round(meter.meanTokensPerSecond),
    steps,
    conversations: demonstrations.train.length,
  };
  const lineage = {
    name,
    stage: 'sft' as const,
    parent: { name: parent.name, weightsHash: parent.weightsHash },
    data,
    recipe,
    seed: recipe.seed,
    metrics: { heldOutLoss: finalLoss, baseHeldOutLoss: baseLoss },
  };
  saveModel(run.path('model'), model, tokenizer, lineage, { dtype: recipe.weights === 'bf16' ? 'BF16' : 'F32' });
  writeReport(run.folder, {
    title: `Fine-tuning of ${name}`,
    figures,
    notes,
    tables: [
      {
        title: 'Loss on held-out conversations, nats per assistant token',
        columns: ['model', 'loss'],
        rows: [
          [`before (${parent.name})`, baseLoss],
          ['after', finalLoss],
        ],
      },
    ],
    charts: { loss: lossChart(`Fine-tuning of ${name}`, run.readMetrics()) },
  });
  progress.note(`held-out loss ${baseLoss.toFixed(4)} → ${finalLoss.toFixed(4)}; model in ${run.path('model')}`);
  return figures;
}

/** Conversations to learn from and to measure on. */
function splitDemonstrations(path: string): { train: Demonstration[]; validation: Demonstration[] } {
  const train = readDemonstrations(path, 'train');
  const validation = readDemonstrations(path, 'validation');
  if (train.length + validation.length < 2)
    throw new Error(`${path} holds ${train.length} conversations; at least 2 are needed`);
  if (validation.length > 0) return { train, validation };
  return {
    train: train.filter((_, index) => index % holdOutEvery !== 0),
    validation: train.filter((_, index) => index % holdOutEvery === 0),
  };
}
