/**
 * Trust region policy optimisation (Schulman et al. 2015): one step per batch, as far as the mean divergence per token
 * from the policy that wrote it allows. The direction is the natural gradient, F⁻¹ g, by conjugate gradient; the length
 * is the trust region's, halved until the surrogate improves and the divergence, measured, is inside. Rewards, their
 * price for leaving the reference, and advantages are PPO's: what differs is how a policy learns from them.
 */
import { basename, resolve } from 'node:path';
import type { PolicyReport, TrpoRecipe } from '@parley/contracts';
import { AdamW, Random } from '@parley/engine';
import { Progress, RunDirectory } from '@parley/lm/checkpoint';
import { answerFlops, answerLogProbabilities, FisherMatrix, measureTokens } from '@parley/lm/episodes';
import { conjugateGradient, dot, ratioOf } from '@parley/lm/losses';
import { cloneModel, type Llama, toScorer } from '@parley/lm/models';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { estimate, policyGradient, valueGradient } from './policy-gradient.ts';
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
import { TrainingMeter } from './training-meter.ts';

/** The critic fits its returns freely: nothing but the policy has a trust region. */
const criticOptions = { beta1: 0.9, beta2: 0.95, epsilon: 1e-5, weightDecay: 0 };
const criticClip = 1;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function trpo(recipe: TrpoRecipe, options: PolicyOptions = {}): Promise<PolicyReport> {
  if (recipe.precision !== 'f32') {
    throw new RangeError("TRPO takes differences of nearly equal numbers and needs --precision f32, not 'bf16'");
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
  recipe: TrpoRecipe,
  inputs: PolicyInputs,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: PolicyOptions,
): Promise<PolicyReport> {
  const { model: policy } = inputs.policy;
  const { steps } = recipe;
  const critic = inputs.source.model ? cloneModel(inputs.source.model) : toScorer(policy, new Random(recipe.seed));
  const criticOptimizer = new AdamW(critic.parameters, criticOptions);
  const batches = new BatchSource(recipe, inputs);
  const guard = new ConstantRewardGuard();
  const progress = new Progress('trpo', steps, { quiet });
  const arrays = {
    values: policy.parameters.values,
    criticValues: critic.parameters.values,
    criticFirst: criticOptimizer.firstMoment,
    criticSecond: criticOptimizer.secondMoment,
  };
  const meter = new TrainingMeter(run.resumeFrom);
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    criticOptimizer.steps = run.resumeFrom.state.criticSteps as number;
    progress.note(`going on from batch ${run.resumeFrom.step}`);
  }

  for (let step = run.resumeFrom?.step ?? 0; step < steps; ) {
    meter.startStep();
    const batch = await batches.draw(step);
    guard.see(batch);
    const summary = summarise(batch);
    checkDivergence(summary.kl, recipe.klLimit, step + 1);

    const started = performance.now();
    const estimates = estimate(critic, batch, recipe);
    if (recipe.dump) {
      const { rewards, values, advantages, returns } = estimates;
      dumpBatch(run, step + 1, batch, { rewards, values, advantages, returns });
    }

    const taken = naturalStep(policy, batch, estimates.whitened, recipe);
    const everyone = batch.rollouts.map((_, index) => index);
    const count = batch.rollouts.reduce((sum, { answer }) => sum + answer.length, 0);
    let valueLoss = 0;
    let flops = batch.flops + estimates.flops + taken.flops;
    for (let epoch = 0; epoch < recipe.valueEpochs; epoch++) {
      const free = { clipValue: Number.POSITIVE_INFINITY, tokens: recipe.tokens };
      const fit = valueGradient(critic, batch, estimates, everyone, free, count);
      valueLoss = fit.loss;
      flops += fit.flops;
      criticOptimizer.step(recipe.valueRate, criticClip);
    }
    step++;

    meter.endStep(-taken.improvement, count);
    progress.update({ step, loss: -taken.improvement, tokensPerSecond: meter.tokensPerSecond });
    run.appendMetric({
      ...meter.metric({ step, stage: 'trpo' }),
      ...summary,
      valueLoss,
      explainedVariance: estimates.explained,
      entropy: taken.entropy,
      movedPerToken: taken.divergence,
      halvings: taken.halvings,
      flops,
      generateSeconds: batch.generateSeconds,
      scoreSeconds: batch.scoreSeconds,
      learnSeconds: (performance.now() - started) / 1000,
    });
    // A signal arrives here, and must be seen before it is decided whether to save.
    await breathe();
    if (step % recipe.checkpointEvery === 0 || step === steps || stop.aborted) {
      const state = { ...meter.state(), criticSteps: criticOptimizer.steps };
      run.saveCheckpoint({ step, seconds: meter.seconds, arrays, state });
    }
    if (stop.aborted && step < steps) {
      progress.end();
      throw new StoppedError(`stopped after batch ${step} of ${steps}; the same command goes on from there`);
    }
  }

  return finishPolicyRun(run, 'trpo', name, { inputs, recipe, seconds: meter.seconds, progress });
}

export interface NaturalStep {
  /** Whether a step was taken; otherwise the policy is as it was. */
  accepted: boolean;
  /** Of the surrogate, the mean over tokens of advantage × ratio. */
  improvement: number;
  /** Measured mean divergence per token, nats; at most the trust region. */
  divergence: number;
  halvings: number;
  /** Of the policy before the step, nats per token. */
  entropy: number;
  /** Floating-point operations: the gradient, products with the Fisher matrix, and looks along the line. */
  flops: number;
}

/** Moves the policy along the natural gradient of the surrogate, inside the trust region, or not at all. */
export function naturalStep(
  policy: Llama,
  batch: Batch,
  advantages: readonly Float32Array[],
  recipe: Pick<TrpoRecipe, 'trustRegion' | 'damping' | 'iterations' | 'backtracks' | 'fisherShare' | 'tokens'>,
): NaturalStep {
  const { trustRegion, damping, tokens } = recipe;
  const { values, gradients } = policy.parameters;
  const everyone = batch.rollouts.map((_, index) => index);
  const count = batch.rollouts.reduce((sum, { answer }) => sum + answer.length, 0);
  const free = { clipRatio: Number.POSITIVE_INFINITY, tokens };
  const start = policyGradient(policy, batch, advantages, everyone, free, count);
  const gradient = gradients.map((value) => -value);

  const part = Math.max(1, Math.round(batch.rollouts.length * recipe.fisherShare));
  const fisher = new FisherMatrix(policy, batch.rollouts.slice(0, part), tokens);
  const damped = (v: Float32Array) => fisher.times(v).map((value, i) => value + damping * v[i]!);
  const { x, product } = conjugateGradient(damped, gradient, recipe);
  // The damping steadies the direction; the length is the divergence's own.
  const curvature = dot(x, product) - damping * dot(x, x);
  const length = Math.sqrt((2 * trustRegion) / curvature);
  const here = values.slice();
  const entropy = start.entropy / count;
  const step = { accepted: false, improvement: 0, divergence: 0, halvings: 0, entropy, flops: start.flops };
  while (curvature > 0 && !step.accepted && step.halvings <= recipe.backtracks) {
    const factor = length * 0.5 ** step.halvings;
    for (let i = 0; i < values.length; i++) values[i] = here[i]! + factor * x[i]!;
    step.divergence = fisher.divergence();
    if (step.divergence <= trustRegion) {
      step.improvement = surrogate(policy, batch, advantages, tokens, count) + start.loss;
      step.flops += answerFlops(policy, batch.rollouts);
      step.accepted = step.improvement > 0;
    }
    if (!step.accepted) step.halvings++;
  }
  step.flops += fisher.flops;
  if (step.accepted) return step;
  values.set(here);
  return { ...step, improvement: 0, divergence: 0 };
}

/** The mean over tokens of advantage × ratio. */
function surrogate(
  policy: Llama,
  { rollouts }: Batch,
  advantages: readonly Float32Array[],
  tokens: number,
  count: number,
): number {
  const now = measureTokens(policy, rollouts, answerLogProbabilities, tokens);
  let sum = 0;
  for (const [index, { logProbabilities }] of rollouts.entries()) {
    for (const [t, old] of logProbabilities.entries()) sum += advantages[index]![t]! * ratioOf(now[index]![t]!, old);
  }
  return sum / count;
}
