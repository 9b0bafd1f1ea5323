/**
 * Group-relative policy optimisation (Shao et al. 2024): PPO without a critic. Several answers to the same prompt are
 * judged by each other; every token of an answer has its advantage (r − mean) / deviation within the group, and the
 * divergence from the reference is a term of the loss instead of the rewards.
 */
import { basename, resolve } from 'node:path';
import type { GrpoRecipe, PolicyReport } from '@parley/contracts';
import { AdamW, learningRateAt } from '@parley/engine';
import { Progress, RunDirectory } from '@parley/lm/checkpoint';
import { whiten } from '@parley/lm/losses';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { policyGradient } from './policy-gradient.ts';
import { finishPolicyRun } from './policy-report.ts';
import {
  type Batch,
  BatchSource,
  ConstantRewardGuard,
  checkDivergence,
  dumpBatch,
  openInputs,
  type PolicyInputs,
  type PolicyOptions,
  sameRun,
  summarise,
} from './policy-run.ts';
import { finishedReport } from './run-options.ts';
import { ShuffledOrder } from './shuffled-order.ts';
import { TrainingMeter } from './training-meter.ts';

const epsilon = 1e-5;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function grpo(recipe: GrpoRecipe, options: PolicyOptions = {}): Promise<PolicyReport> {
  for (const [flag, value] of [
    ['--group', recipe.group],
    ['--minibatches', recipe.minibatches],
  ] as const) {
    if (recipe.batch % value !== 0)
      throw new RangeError(`${flag} ${value} does not divide the batch of ${recipe.batch}`);
  }
  const inputs = await openInputs(recipe, options);
  const run = RunDirectory.open(recipe.out, { ...recipe, ...inputs.identity }, sameRun);
  try {
    if (run.finished) return finishedReport<PolicyReport>(run, options);
    return await interruptible((stop) => train(recipe, inputs, run, stop, options));
  } finally {
    run.close();
  }
}

async function train(
  recipe: GrpoRecipe,
  inputs: PolicyInputs,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: PolicyOptions,
): Promise<PolicyReport> {
  const { model: policy } = inputs.policy;
  const { steps } = recipe;
  const optimizer = new AdamW(policy.parameters, { ...recipe, epsilon });
  const arrays = { values: policy.parameters.values, first: optimizer.firstMoment, second: optimizer.secondMoment };
  const batches = new BatchSource(recipe, inputs, recipe.group);
  const guard = new ConstantRewardGuard();
  const progress = new Progress('grpo', steps, { quiet });
  const meter = new TrainingMeter(run.resumeFrom);
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    optimizer.steps = run.resumeFrom.state.steps as number;
    progress.note(`going on from batch ${run.resumeFrom.step}`);
  }

  for (let step = run.resumeFrom?.step ?? 0; step < steps; ) {
    meter.startStep();
    const rate = learningRateAt(step, { ...recipe, steps });
    const batch = await batches.draw(step);
    guard.see(batch);
    const summary = summarise(batch);
    checkDivergence(summary.kl, recipe.klLimit, step + 1);
    const started = performance.now();
    const advantages = groupAdvantages(batch, recipe.group);
    if (recipe.dump) dumpBatch(run, step + 1, batch, { advantages });

    const learned = { loss: 0, clipped: 0, divergence: 0, entropy: 0, tokens: 0, gradientNorm: 0, flops: batch.flops };
    const size = recipe.batch / recipe.minibatches;
    const updates = recipe.epochs * recipe.minibatches;
    const order = new ShuffledOrder(recipe.batch, recipe.seed + step * 7919);
    for (let update = 0; update < updates; update++) {
      const members = order.slice(update * size, size);
      const count = members.reduce((sum, index) => sum + batch.rollouts[index]!.answer.length, 0);
      const { loss, clipped, divergence, entropy, flops } = policyGradient(
        policy,
        batch,
        advantages,
        members,
        { ...recipe, penalty: recipe.beta },
        count,
      );
      learned.gradientNorm += optimizer.step(rate, recipe.clip);
      learned.loss += loss;
      learned.clipped += clipped;
      learned.divergence += divergence;
      learned.entropy += entropy;
      learned.flops += flops;
      learned.tokens += count;
    }
    step++;

    meter.endStep(learned.loss / updates, summary.length * recipe.batch);
    progress.update({ step, loss: learned.loss / updates, tokensPerSecond: meter.tokensPerSecond });
    run.appendMetric({
      ...meter.metric({ step, stage: 'grpo', learningRate: rate, gradientNorm: learned.gradientNorm / updates }),
      ...summary,
      clippedShare: learned.clipped / learned.tokens,
      movedPerToken: learned.divergence / learned.tokens,
      entropy: learned.entropy / learned.tokens,
      flops: learned.flops,
      generateSeconds: batch.generateSeconds,
      scoreSeconds: batch.scoreSeconds,
      learnSeconds: (performance.now() - started) / 1000,
    });
    // A signal arrives here, and must be seen before it is decided whether to save.
    await breathe();
    if (step % recipe.checkpointEvery === 0 || step === steps || stop.aborted) {
      const state = { ...meter.state(), steps: optimizer.steps };
      run.saveCheckpoint({ step, seconds: meter.seconds, arrays, state });
    }
    if (stop.aborted && step < steps) {
      progress.end();
      throw new StoppedError(`stopped after batch ${step} of ${steps}; the same command goes on from there`);
    }
  }

  return finishPolicyRun(run, 'grpo', name, { inputs, recipe, seconds: meter.seconds, progress });
}

/** Scores whitened within each group of answers to one prompt, the same at every token of an answer. */
function groupAdvantages({ rollouts, scores }: Batch, group: number): Float32Array[] {
  const relative = scores.slice();
  for (let first = 0; first < relative.length; first += group) whiten([relative.subarray(first, first + group)]);
  return rollouts.map(({ answer }, index) => new Float32Array(answer.length).fill(relative[index]!));
}
