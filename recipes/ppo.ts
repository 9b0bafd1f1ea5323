/**
 * Proximal policy optimisation (Schulman et al. 2017) of an assistant against a reward, as in InstructGPT (Ouyang et
 * al. 2022). One batch after the other:
 *
 *     prompts ─ write answers ─ score them ─ reward per token ─ advantages ─ a few careful steps ─┐
 *        ↑         policy        reward        − β (log π − log π_ref),                           │
 *        └───────────────────────────────      the score at the last token   ─────────────────────┘
 *
 * The policy starts as the fine-tuned model and is priced by β for leaving it (the reference); the critic, which
 * guesses the reward to come, starts as the reward model. An answer that does not end by itself gets a fixed low
 * score. The weights never leave memory between writing and learning, and a run resumes to the same bits.
 */
import { basename, resolve } from 'node:path';
import type { PolicyReport, PpoRecipe } from '@parley/contracts';
import { AdamW, backward, learningRateAt, Random, scope } from '@parley/engine';
import { Progress, RunDirectory } from '@parley/lm/checkpoint';
import { cloneModel, forwardFlops, type Llama, toScorer } from '@parley/lm/models';
import { openCorpus } from './corpus.ts';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { estimate, policyGradient, valueGradient } from './policy-gradient.ts';
import { finishPolicyRun } from './policy-report.ts';
import {
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
import { ShuffledWindows } from './windows.ts';

/** Larger than for pretraining: with Adam's usual 1e-8 the first steps of a policy go too far. */
const epsilon = 1e-5;
const notesEvery = 5;
/** The controller of beta (Ziegler et al. 2019, section 2.2) corrects a full error by this much per batch. */
const betaGain = 0.1;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function ppo(recipe: PpoRecipe, options: PolicyOptions = {}): Promise<PolicyReport> {
  if (recipe.batch % recipe.minibatches !== 0) {
    throw new RangeError(`--minibatches ${recipe.minibatches} does not divide the batch of ${recipe.batch}`);
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
  recipe: PpoRecipe,
  inputs: PolicyInputs,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false, name = basename(resolve(recipe.out)) }: PolicyOptions,
): Promise<PolicyReport> {
  const { model: policy } = inputs.policy;
  const { steps } = recipe;
  const critic = inputs.source.model ? cloneModel(inputs.source.model) : toScorer(policy, new Random(recipe.seed));
  const optimizer = new AdamW(policy.parameters, { ...recipe, epsilon });
  const criticOptimizer = new AdamW(critic.parameters, { ...recipe, epsilon });
  const batches = new BatchSource(recipe, inputs);
  const text = recipe.pretraining === '' ? null : new TextMix(recipe, policy, run);
  const guard = new ConstantRewardGuard();
  const progress = new Progress('ppo', steps, { quiet });
  if (inputs.dropped > 0) progress.note(`${inputs.dropped} prompts leave no room for an answer and are left out`);

  const arrays = {
    values: policy.parameters.values,
    first: optimizer.firstMoment,
    second: optimizer.secondMoment,
    criticValues: critic.parameters.values,
    criticFirst: criticOptimizer.firstMoment,
    criticSecond: criticOptimizer.secondMoment,
  };
  const meter = new TrainingMeter(run.resumeFrom);
  let beta = recipe.beta;
  let first = 0;
  if (run.resumeFrom) {
    run.resumeFrom.restore(arrays);
    const state = run.resumeFrom.state as { beta: number; steps: number; criticSteps: number };
    [beta, optimizer.steps, criticOptimizer.steps] = [state.beta, state.steps, state.criticSteps];
    first = run.resumeFrom.step;
    progress.note(`going on from batch ${first}`);
  }
  const checkpoint = (step: number) =>
    run.saveCheckpoint({
      step,
      seconds: meter.seconds,
      arrays,
      state: { ...meter.state(), beta, steps: optimizer.steps, criticSteps: criticOptimizer.steps },
    });

  for (let step = first; step < steps; ) {
    meter.startStep();
    const share = learningRateAt(step, { ...recipe, learningRate: 1, steps });
    const batch = await batches.draw(step);
    guard.see(batch);
    const summary = summarise(batch);
    checkDivergence(summary.kl, recipe.klLimit, step + 1);

    const started = performance.now();
    const estimates = estimate(critic, batch, { ...recipe, beta });
    if (recipe.dump) {
      const { rewards, values, advantages, returns } = estimates;
      dumpBatch(run, step + 1, batch, { rewards, values, advantages, returns });
    }

    // Passes over the batch in small parts, until they are done or the policy has moved far enough.
    const learned = {
      loss: 0,
      clipped: 0,
      divergence: 0,
      entropy: 0,
      tokens: 0,
      valueLoss: 0,
      gradientNorm: 0,
      updates: 0,
    };
    let flops = batch.flops + estimates.flops;
    const size = recipe.batch / recipe.minibatches;
    const order = new ShuffledOrder(recipe.batch, recipe.seed + step * 7919);
    passes: for (let epoch = 0; epoch < recipe.epochs; epoch++) {
      for (let part = 0; part < recipe.minibatches; part++) {
        const members = order.slice(epoch * recipe.batch + part * size, size);
        const count = members.reduce((sum, index) => sum + batch.rollouts[index]!.answer.length, 0);
        const policyLoss = policyGradient(policy, batch, estimates.whitened, members, recipe, count);
        if (text) flops += text.addGradient(step * recipe.epochs * recipe.minibatches + learned.updates);
        learned.gradientNorm += optimizer.step(recipe.learningRate * share, recipe.clip);
        const valueLoss = valueGradient(critic, batch, estimates, members, recipe, count);
        criticOptimizer.step(recipe.valueRate * share, recipe.clip);
        flops += policyLoss.flops + valueLoss.flops;
        learned.valueLoss += valueLoss.loss;
        learned.loss += policyLoss.loss;
        learned.clipped += policyLoss.clipped;
        learned.divergence += policyLoss.divergence;
        learned.entropy += policyLoss.entropy;
        learned.tokens += count;
        learned.updates++;
        if (policyLoss.divergence / count > recipe.earlyStop) break passes;
      }
    }
    step++;
    if (recipe.klTarget > 0) beta *= 1 + Math.max(-0.2, Math.min(0.2, summary.kl / recipe.klTarget - 1)) * betaGain;

    const answered = batch.rollouts.reduce((sum, { answer }) => sum + answer.length, 0);
    meter.endStep(learned.loss / learned.updates, answered);
    progress.update({ step, loss: learned.loss / learned.updates, tokensPerSecond: meter.tokensPerSecond });
    const metric = meter.metric({
      step,
      stage: 'ppo',
      learningRate: recipe.learningRate * share,
      gradientNorm: learned.gradientNorm / learned.updates,
    });
    run.appendMetric({
      ...metric,
      ...summary,
      beta,
      valueLoss: learned.valueLoss / learned.updates,
      explainedVariance: estimates.explained,
      entropy: learned.entropy / learned.tokens,
      clippedShare: learned.clipped / learned.tokens,
      movedPerToken: learned.divergence / learned.tokens,
      updates: learned.updates,
      flops,
      generateSeconds: batch.generateSeconds,
      scoreSeconds: batch.scoreSeconds,
      learnSeconds: (performance.now() - started) / 1000,
    });
    if (step % notesEvery === 0 || step === steps)
      progress.note(
        `batch ${step}: reward ${summary.reward.toFixed(3)}, divergence ${summary.kl.toFixed(2)} nats, ` +
          `${summary.length.toFixed(1)} tokens, ${(summary.ended * 100).toFixed(0)} % ended`,
      );
    // A signal arrives here, and must be seen before it is decided whether to save.
    await breathe();
    if (step % recipe.checkpointEvery === 0 || step === steps || stop.aborted) checkpoint(step);
    if (stop.aborted && step < steps) {
      progress.end();
      throw new StoppedError(`stopped after batch ${step} of ${steps}; the same command goes on from there`);
    }
  }

  return finishPolicyRun(run, 'ppo', name, { inputs, recipe, seconds: meter.seconds, progress });
}

/** PPO-ptx: gradients of next-token loss on text, so that the policy does not forget it (Ouyang et al. 2022, eq. 2). */
class TextMix {
  readonly #recipe: PpoRecipe;
  readonly #policy: Llama;
  readonly #windows: ShuffledWindows;
  readonly #rows: number;
  readonly #length: number;

  constructor(recipe: PpoRecipe, policy: Llama, run: RunDirectory) {
    this.#recipe = recipe;
    this.#policy = policy;
    this.#length = policy.config.max_position_embeddings;
    // As many tokens of text as a minibatch has of answers.
    this.#rows = Math.max(1, Math.round((recipe.batch / recipe.minibatches) * (recipe.maxTokens / this.#length)));
    const { train } = openCorpus(recipe.pretraining, recipe.model, run.path('text'));
    this.#windows = new ShuffledWindows(train, this.#length, recipe.seed);
  }

  /**
   * @param update number of the optimizer step, which decides the text
   * @returns floating-point operations
   */
  addGradient(update: number): number {
    const [batch, length] = [this.#rows, this.#length];
    const { ids, targets } = this.#windows.batch(update * batch, batch);
    const normalizer = (batch * length) / Math.max(this.#recipe.pretrainingWeight, 1e-12);
    scope(() => backward(this.#policy.loss(ids, targets, { batch, length, normalizer }).loss));
    return 3 * forwardFlops(this.#policy, { tokens: ids.length, outputs: ids.length });
  }
}
