import { modelConfigSchema } from '@parley/contracts';
import { backward, inference, precision, Random, scope, setPrecision, sum } from '@parley/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Generator } from '../generate/index.ts';
import { Llama, toScorer } from '../models/index.ts';
import { trainTokenizer } from '../tokenizer/index.ts';
import {
  answerLogProbabilities,
  answerValues,
  type Episode,
  episodeScores,
  layOut,
  measureScores,
  measureTokens,
  partsOf,
} from './episodes.ts';
import { rollOut } from './rollout.ts';

const usual = precision();
beforeAll(() => setPrecision('f32'));
afterAll(() => setPrecision(usual));

const tokenizer = trainTokenizer({ texts: ['abc'], vocabulary: 263 });
const model = new Llama(
  modelConfigSchema.parse({
    vocab_size: tokenizer.vocabulary,
    hidden_size: 24,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 6,
    max_position_embeddings: 64,
    initializer_range: 0.3,
  }),
  new Random(3),
);
const scorer = toScorer(model, new Random(4));

const random = new Random(9);
const drawIds = (length: number) => Array.from({ length }, () => 4 + random.integer(250));
const episodes: Episode[] = Array.from({ length: 8 }, (_, index) => ({
  prompt: drawIds(1 + ((index * 5) % 11)),
  answer: drawIds(1 + ((index * 3) % 7)),
  ended: true,
}));

test('the states of an answer are those before its tokens, and scores are read at its last', () => {
  const batch = layOut([
    { prompt: [4, 5, 6], answer: [7, 2], ended: true },
    { prompt: [8], answer: [9, 10, 2], ended: true },
  ]);
  expect(batch.layout).toEqual({ batch: 2, length: 5 });
  expect([...batch.ids]).toEqual([4, 5, 6, 7, 2, 8, 9, 10, 2, 0]);
  expect([...batch.states]).toEqual([2, 3, 5, 6, 7]);
  expect([...batch.next]).toEqual([7, 2, 9, 10, 2]);
  expect([...batch.last]).toEqual([4, 8]);
});

test('every episode is in one part, and parts keep to their size', () => {
  const parts = partsOf(episodes, 30);
  expect(parts.flat().sort((a, b) => a - b)).toEqual(episodes.map((_, index) => index));
  const size = (index: number) => episodes[index]!.prompt.length + episodes[index]!.answer.length;
  for (const part of parts) expect(part.length * Math.max(...part.map(size))).toBeLessThanOrEqual(30);
  expect(partsOf(episodes, 1)).toHaveLength(episodes.length);
});

test.each([1, 30, 1000])('numbers per token do not depend on the company: parts of %i places', (tokens) => {
  const alone = (compute: typeof answerLogProbabilities, which: Llama) =>
    episodes.map((episode) => inference(() => compute(which, layOut([episode])).data.slice()));
  expect(measureTokens(model, episodes, answerLogProbabilities, tokens)).toEqual(alone(answerLogProbabilities, model));
  expect(measureTokens(scorer, episodes, answerValues, tokens)).toEqual(alone(answerValues, scorer));
  const scores = episodes.map((episode) => inference(() => episodeScores(scorer, layOut([episode])).data[0]!));
  expect([...measureScores(scorer, episodes, tokens)]).toEqual(scores);
});

test('one batch of 8 and 8 batches of 1 give the same gradients', () => {
  const gradientsOf = (groups: Episode[][]) => {
    model.parameters.zeroGradients();
    for (const group of groups) scope(() => backward(sum(answerLogProbabilities(model, layOut(group)))));
    return model.parameters.gradients.slice();
  };
  const whole = gradientsOf([episodes]);
  const single = gradientsOf(episodes.map((episode) => [episode]));
  const norm = Math.hypot(...whole);
  expect(Math.hypot(...whole.map((value, index) => value - single[index]!)) / norm).toBeLessThan(1e-6);
});

test('a rollout scores its tokens as the model does afterwards, and does not depend on its company', async () => {
  const prompts = episodes.map(({ prompt }) => prompt);
  const generator = new Generator(model, tokenizer, { slots: 3 });
  const rollouts = await rollOut(generator, prompts, { maxTokens: 12, seed: 40 });
  const afterwards = measureTokens(model, rollouts, answerLogProbabilities, 1000);
  for (const [index, rollout] of rollouts.entries()) {
    expect(rollout.prompt).toEqual(prompts[index]);
    expect(rollout.answer.length).toBe(rollout.logProbabilities.length);
    expect(rollout.ended).toBe(rollout.answer.at(-1)! < 4);
    expect(rollout.ended || rollout.answer.length === 12).toBe(true);
    for (const [t, value] of rollout.logProbabilities.entries()) expect(value).toBeCloseTo(afterwards[index]![t]!, 2);
  }
  expect(rollouts.some(({ ended }) => ended) && rollouts.some(({ ended }) => !ended)).toBe(true);
  const [alone] = await rollOut(generator, prompts.slice(5, 6), { maxTokens: 12, seed: 45 });
  expect(alone!.answer).toEqual(rollouts[5]!.answer);
});

test('a language model has no scores and a scorer no next token, and each says so', () => {
  const batch = layOut(episodes);
  expect(() => inference(() => episodeScores(model, batch))).toThrow(/toScorer/);
  expect(() => inference(() => answerLogProbabilities(scorer, batch))).toThrow(/scores texts/);
});
