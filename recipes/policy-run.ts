/**
 * What the recipes that learn from their own answers have in common before and around a step: the policy and its
 * reference, prompts in tokens, a batch of answers with their rewards, and what is told of it. How a policy learns
 * from a batch is each recipe's own story.
 */
import type { ChatMessage } from '@parley/contracts';
import { setPrecision, setThreads } from '@parley/engine';
import { loadModel, type RunDirectory, writeFileAtomic } from '@parley/lm/checkpoint';
import { languageOf, readPrompts } from '@parley/lm/data';
import {
  answerFlops,
  answerLogProbabilities,
  encodePrompt,
  measureTokens,
  type Rollout,
  rollOut,
  rolloutFlops,
} from '@parley/lm/episodes';
import { ContextLengthError, Generator } from '@parley/lm/generate';
import type { Llama } from '@parley/lm/models';
import { openRewardSource, type RewardFunction, type RewardSource } from './reward-source.ts';
import type { RunOptions } from './run-options.ts';
import { ShuffledOrder } from './shuffled-order.ts';

export interface PolicyOptions extends RunOptions {
  /** Gives the rewards in place of the recipe's `rewardModel` and `reward`. */
  rewardFunction?: RewardFunction;
  /** Everything that the recipe would read, made in memory. */
  inputs?: PolicyInputs;
}

/** The settings that those recipes share. */
interface PolicyRecipe {
  model: string;
  reference: string;
  rewardModel: string;
  reward: string;
  prompts: string;
  batch: number;
  maxTokens: number;
  noEndScore: number;
  klLimit: number;
  dump: boolean;
  tokens: number;
  precision: 'bf16' | 'f32';
  threads: number;
  seed: number;
}

type LoadedModel = ReturnType<typeof loadModel>;

/** Everything that is read before a run: the same inputs make the same run. */
export interface PolicyInputs {
  policy: LoadedModel;
  reference: Llama;
  source: RewardSource;
  /** The conversations to answer, with the tokens that the policy reads. */
  prompts: readonly { messages: readonly ChatMessage[]; ids: readonly number[] }[];
  /** Prompts that leave no room for an answer. */
  dropped: number;
  /** Names and hashes for the run's configuration: a resumed run must find the same. */
  identity: Record<'modelHash' | 'referenceHash' | 'rewardHash' | 'promptsHash', string>;
}

/** Settings that a resumed run may have otherwise: where things lie, and what does not influence the result. */
export const sameRun = [
  ...['out', 'model', 'reference', 'rewardModel', 'reward', 'prompts', 'pretraining'],
  ...['threads', 'checkpointEvery', 'tokens', 'dump'],
];

/** @throws Error when models, rewards and prompts do not fit together */
export async function openInputs(
  recipe: PolicyRecipe,
  { rewardFunction, inputs }: PolicyOptions,
): Promise<PolicyInputs> {
  setPrecision(recipe.precision);
  if (recipe.threads > 0) setThreads(recipe.threads);
  if (inputs) return inputs;
  const policy = loadModel(recipe.model);
  const reference = loadModel(recipe.reference || recipe.model);
  if (reference.manifest.tokenizerHash !== policy.manifest.tokenizerHash) {
    throw new Error(`${recipe.reference} has another tokenizer than ${recipe.model}; the reference must share it`);
  }
  const source = await openRewardSource(recipe, policy.manifest.tokenizerHash, rewardFunction);
  const { prompts: read, hash } = readPrompts(recipe.prompts);
  const room = { context: policy.model.config.max_position_embeddings, reserve: recipe.maxTokens };
  const prompts = read.flatMap((messages) => {
    try {
      return [{ messages, ids: encodePrompt(policy.tokenizer, messages, room) }];
    } catch (error) {
      if (error instanceof ContextLengthError) return [];
      throw error;
    }
  });
  if (prompts.length === 0) {
    throw new Error(
      `no prompt of ${recipe.prompts} leaves room for ${recipe.maxTokens} tokens in a context of ${room.context}; lower --max-tokens`,
    );
  }
  return {
    policy,
    reference: reference.model,
    source,
    prompts,
    dropped: read.length - prompts.length,
    identity: {
      modelHash: policy.manifest.weightsHash,
      referenceHash: reference.manifest.weightsHash,
      rewardHash: source.identity,
      promptsHash: hash,
    },
  };
}

/** A batch of answers, judged. Arrays per answer hold one number per token. */
export interface Batch {
  prompts: readonly (readonly ChatMessage[])[];
  rollouts: Rollout[];
  /** [B], what the source gave; for an answer that did not end, `noEndScore`. */
  scores: Float32Array;
  /** log π_ref per token. */
  reference: Float32Array[];
  /** Seconds spent writing answers and judging them. */
  generateSeconds: number;
  scoreSeconds: number;
  /** Floating-point operations of both. */
  flops: number;
}

/** Draws batches: which prompts and which random numbers are a function of the seed and the batch's number. */
export class BatchSource {
  readonly #recipe: PolicyRecipe;
  readonly #inputs: PolicyInputs;
  readonly #group: number;
  readonly #order: ShuffledOrder;

  /** @param group answers to each prompt */
  constructor(recipe: PolicyRecipe, inputs: PolicyInputs, group = 1) {
    this.#recipe = recipe;
    this.#inputs = inputs;
    this.#group = group;
    this.#order = new ShuffledOrder(inputs.prompts.length, recipe.seed);
  }

  /** @param step number of the batch, from 0 */
  async draw(step: number): Promise<Batch> {
    const { policy, reference, source, prompts: known } = this.#inputs;
    const { batch, maxTokens, noEndScore, seed, tokens } = this.#recipe;
    const distinct = this.#order.slice((step * batch) / this.#group, batch / this.#group);
    const taken = distinct.flatMap((index) => Array.from({ length: this.#group }, () => known[index]!));
    const prompts = taken.map(({ messages }) => messages);

    const started = performance.now();
    // The weights have changed since the last batch: nothing of its cache holds.
    const longest = Math.max(...taken.map(({ ids }) => ids.length)) + maxTokens;
    const generator = new Generator(policy.model, policy.tokenizer, { slots: batch, context: longest });
    const rollouts = await rollOut(
      generator,
      taken.map(({ ids }) => ids),
      { maxTokens, seed: seed * 1_000_003 + step * batch },
    );
    policy.model.parameters.unpack();
    const written = performance.now();
    const scores = await source.score(prompts, rollouts);
    for (const [index, { ended }] of rollouts.entries()) if (!ended) scores[index] = noEndScore;
    const batchOfReference = measureTokens(reference, rollouts, answerLogProbabilities, tokens);
    const judging = source.model ? answerFlops(source.model, rollouts, rollouts.length) : 0;
    const { reusedPromptTokens } = generator.stats();
    return {
      prompts,
      rollouts,
      scores,
      reference: batchOfReference,
      generateSeconds: (written - started) / 1000,
      scoreSeconds: (performance.now() - written) / 1000,
      flops: rolloutFlops(policy.model, rollouts, reusedPromptTokens) + judging + answerFlops(reference, rollouts),
    };
  }
}

/** Divergence of each answer from the reference: Σ log π − log π_ref over its tokens, nats. */
export function divergences({ rollouts, reference }: Batch): Float32Array {
  return Float32Array.from(rollouts, ({ logProbabilities }, index) =>
    logProbabilities.reduce((sum, value, t) => sum + value - reference[index]![t]!, 0),
  );
}

export interface BatchSummary {
  reward: number;
  /** Standard deviation of the rewards. */
  rewardSpread: number;
  /** Mean divergence of an answer from the reference, nats. */
  kl: number;
  /** Mean tokens of an answer. */
  length: number;
  /** Share of answers that ended by themselves. */
  ended: number;
  /** Share of answers in the language of their prompt. */
  sameLanguage: number;
}

export function summarise(batch: Batch): BatchSummary {
  const { rollouts, scores, prompts } = batch;
  const mean = (values: Iterable<number>) => {
    const all = [...values];
    return all.reduce((sum, value) => sum + value, 0) / all.length;
  };
  const reward = mean(scores);
  return {
    reward,
    rewardSpread: Math.sqrt(mean(Array.from(scores, (score) => (score - reward) ** 2))),
    kl: mean(divergences(batch)),
    length: mean(rollouts.map(({ answer }) => answer.length)),
    ended: mean(rollouts.map(({ ended }) => Number(ended))),
    sameLanguage: mean(
      rollouts.map(({ text }, index) => Number(languageOf(text) === languageOf(prompts[index]!.at(-1)!.content))),
    ),
  };
}

/** Rewards that are all the same teach nothing; several batches of them are a mistake in the reward. */
export class ConstantRewardGuard {
  #constant = 0;

  /** @throws Error after three batches in a row whose ended answers all have one reward */
  see({ rollouts, scores }: Batch): void {
    const judged = scores.filter((_, index) => rollouts[index]!.ended);
    this.#constant = judged.length > 1 && new Set(judged).size === 1 ? this.#constant + 1 : 0;
    if (this.#constant >= 3) {
      throw new Error(
        `the reward was ${judged[0]} for every answer of three batches; a reward must tell answers apart to teach anything`,
      );
    }
  }
}

/** Thrown when a policy has left its reference too far behind; the last checkpoint is from before. */
export class DivergedError extends Error {
  override name = 'DivergedError';
}

/** @throws DivergedError when the mean divergence exceeds the limit */
export function checkDivergence(kl: number, limit: number, step: number): void {
  if (kl <= limit) return;
  throw new DivergedError(
    `batch ${step}: answers diverge from the reference by ${kl.toFixed(1)} nats on average, more than the limit of ${limit}; ` +
      'the policy is running away from it. Raise --beta, lower --learning-rate, or raise --kl-limit if that is meant',
  );
}

/** Writes a batch to episodes/step-N.jsonl, one answer a line, with further numbers per token under their names. */
export function dumpBatch(
  run: RunDirectory,
  step: number,
  { prompts, rollouts, scores, reference }: Batch,
  perToken: Record<string, readonly Float32Array[]>,
): void {
  const lines = rollouts.map(({ prompt, answer, ended, text, logProbabilities }, index) => {
    const more = Object.entries(perToken).map(([name, arrays]) => [name, Array.from(arrays[index]!)]);
    return JSON.stringify({
      messages: prompts[index],
      text,
      ended,
      score: scores[index],
      promptTokens: prompt,
      tokens: answer,
      logProbabilities: Array.from(logProbabilities),
      reference: Array.from(reference[index]!),
      ...Object.fromEntries(more),
    });
  });
  writeFileAtomic(run.path('episodes', `step-${step}.jsonl`), `${lines.join('\n')}\n`);
}
