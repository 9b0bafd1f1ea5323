/**
 * Speed of PPO: whole batches of the recipe itself, from answers over their judgement to the optimizer's steps, with a
 * reference, a reward model and a critic of the policy's size. Beside it the speed of generation for one answer and for
 * 64 at a time, which decides what PPO can afford.
 *
 * With random weights prompts are random tokens and every answer runs to its full length. A given model answers the
 * questions that every evaluated model is asked, and ends when it likes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestSchema, ppoRecipeSchema } from '@parley/contracts';
import { cpuFeatures, Random, setPrecision, threads } from '@parley/engine';
import { loadModel, readMetrics } from '@parley/lm/checkpoint';
import { encodePrompt, measureScores } from '@parley/lm/episodes';
import { cloneModel, type Llama, toScorer } from '@parley/lm/models';
import type { PolicyInputs } from '@parley/recipes/policy-run';
import { ppo } from '@parley/recipes/ppo';
import { sampleQuestions } from '@parley/recipes/sample-questions';
import { benchDecode, type decodeSizes, endless, endlessTokenizer, randomModel } from './decode.ts';

export interface PpoBenchOptions {
  /** Dimensions, for models with random weights; or a model's folder. */
  size: keyof typeof decodeSizes | { folder: string };
  /** Answers per batch. */
  batch: number;
  /** Tokens of each prompt; a given model's prompts are as long as they are. */
  prompt: number;
  /** Longest answer. */
  maxTokens: number;
  /** Batches that are timed, after one to warm up; default 3. */
  steps?: number;
}

export interface GenerationSpeed {
  /** Tokens per second of one answer, and of 64 together. */
  batch1: number;
  batch64: number;
  ratio: number;
}

export interface PpoBenchmark {
  secondsPer1000Episodes: number;
  /** Of the time. */
  share: { generate: number; score: number; learn: number };
  size: {
    name: string;
    parameters: number;
    layers: number;
    width: number;
    vocabulary: number;
    batch: number;
    /** Mean tokens of the prompts and of the answers. */
    promptTokens: number;
    answerTokens: number;
    /** Passes over a batch, and optimizer steps in each. */
    epochs: number;
    minibatches: number;
  };
  threads: number;
  cpu: string;
}

export async function benchPpo(options: PpoBenchOptions): Promise<PpoBenchmark> {
  setPrecision('bf16');
  const { name, inputs } = openModels(options);
  const { model } = inputs.policy;
  const { batch, maxTokens, steps = 3 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-ppo-'));
  try {
    const recipe = ppoRecipeSchema.parse({
      ...{ model: name, prompts: 'in memory', out: folder, steps: steps + 1, checkpointEvery: steps + 1 },
      ...{ batch, maxTokens, klLimit: Number.MAX_VALUE, earlyStop: Number.MAX_VALUE },
    });
    await ppo(recipe, { quiet: true, inputs });
    const metrics = readMetrics(join(folder, 'metrics.jsonl')).slice(1);
    const total = (key: string) => metrics.reduce((sum, metric) => sum + (metric[key] as number), 0);
    const [generate, score, learn] = [total('generateSeconds'), total('scoreSeconds'), total('learnSeconds')];
    const seconds = generate + score + learn;
    const { config } = model;
    return {
      secondsPer1000Episodes: (seconds / (batch * metrics.length)) * 1000,
      share: { generate: generate / seconds, score: score / seconds, learn: learn / seconds },
      size: {
        name,
        parameters: model.parameters.count,
        layers: config.num_hidden_layers,
        width: config.hidden_size,
        vocabulary: config.vocab_size,
        batch,
        promptTokens: inputs.prompts.reduce((sum, { ids }) => sum + ids.length, 0) / inputs.prompts.length,
        answerTokens: total('length') / metrics.length,
        epochs: recipe.epochs,
        minibatches: recipe.minibatches,
      },
      threads: threads(),
      cpu: cpuFeatures(),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openModels({ size, batch, prompt, maxTokens }: PpoBenchOptions): { name: string; inputs: PolicyInputs } {
  const random = new Random(1);
  if (typeof size !== 'string') {
    const policy = loadModel(size.folder);
    const room = { context: policy.model.config.max_position_embeddings, reserve: maxTokens };
    const prompts = sampleQuestions.map((content) => {
      const messages = [{ role: 'user' as const, content }];
      return { messages, ids: encodePrompt(policy.tokenizer, messages, room) };
    });
    return { name: policy.manifest.name, inputs: inputsOf(policy, prompts, random) };
  }
  const model = randomModel(size, random);
  const policy = { model, tokenizer: endlessTokenizer(model.config.vocab_size) };
  const manifest = manifestSchema.parse({
    ...{ format: 'parley-model/1', name: size, weightsHash: '', tokenizerHash: '', stage: 'pretrain' },
    ...{ parameters: policy.model.parameters.count, parent: null, data: null, recipe: {}, seed: 1 },
    ...{ codeVersion: '', createdAt: new Date(0).toISOString(), metrics: {} },
  });
  const prompts = Array.from({ length: batch }, () => ({
    messages: [{ role: 'user' as const, content: '' }],
    ids: Array.from({ length: prompt }, () => random.integer(policy.model.config.vocab_size)),
  }));
  return { name: size, inputs: inputsOf({ ...policy, manifest }, prompts, random) };
}

function inputsOf(policy: PolicyInputs['policy'], prompts: PolicyInputs['prompts'], random: Random): PolicyInputs {
  const judge: Llama = toScorer(policy.model, random);
  const identity = { modelHash: '', referenceHash: '', rewardHash: '', promptsHash: '' };
  return {
    policy,
    reference: cloneModel(policy.model),
    source: { identity: '', model: judge, score: async (_, rollouts) => measureScores(judge, rollouts, 8192) },
    prompts,
    dropped: 0,
    identity,
  };
}

/** Generation alone at batch 1 and 64, weights and cache in bf16. */
export async function benchGeneration(size: PpoBenchOptions['size']): Promise<GenerationSpeed> {
  const of = typeof size === 'string' ? size : endless(loadModel(size.folder).model);
  const speedAt = async (batch: number) =>
    (await benchDecode({ size: of, batch, prompt: 16, weights: 'bf16', cache: 'bf16' })).tokensPerSecond;
  const [batch1, batch64] = [await speedAt(1), await speedAt(64)];
  return { batch1, batch64, ratio: batch64 / batch1 };
}
