import { samplingSchema } from '@parley/contracts';
import { precision, setPrecision } from '@parley/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextLengthError } from './context-length-error.ts';
import { decidedModel, decidedTokenizer } from './decided-model.ts';
import { Generator } from './generator.ts';
import { embedText, scoreText } from './reading.ts';

const usual = precision();
beforeAll(() => setPrecision('f32'));
afterAll(() => setPrecision(usual));

const tokenizer = decidedTokenizer;
const { vocabulary } = tokenizer;
const context = 200;
const model = decidedModel(context);
const generate = (prompt: number[], adjustments = {}) =>
  new Generator(model, tokenizer, { slots: 2 }).generate({
    prompt,
    sampling: samplingSchema.parse({ temperature: 1, maxTokens: 100, seed: 5 }),
    adjustments: { bias: [], presencePenalty: 0, frequencyPenalty: 0, ...adjustments },
    logProbabilities: true,
    topLogProbabilities: 3,
  });

describe('scoreText', () => {
  it('finds in an answer what the generator found when it wrote it', async () => {
    const prompt = tokenizer.encode('hello');
    const { ids, scores } = await generate(prompt);
    const read = scoreText(model, [...prompt, ...ids], { alternatives: 3, vocabulary }).slice(prompt.length - 1);
    expect(read.map(({ id }) => id)).toEqual(ids);
    for (const [place, { logProbability, alternatives }] of scores.entries()) {
      expect(read[place]!.logProbability).toBeCloseTo(logProbability, 4);
      expect(read[place]!.alternatives.map(({ id }) => id)).toEqual(alternatives.map(({ id }) => id));
    }
  });

  it('gives probabilities that sum to 1', () => {
    const [first] = scoreText(model, tokenizer.encode('ab'), { alternatives: vocabulary, vocabulary });
    const sum = first!.alternatives.reduce((total, { logProbability }) => total + Math.exp(logProbability), 0);
    expect(sum).toBeCloseTo(1, 5);
  });

  it('takes a whole context and not more; a single token has no score', () => {
    const ids = Array.from({ length: context + 1 }, (_, index) => 4 + (index % 250));
    expect(scoreText(model, ids.slice(0, context), { alternatives: 0, vocabulary })).toHaveLength(context - 1);
    expect(scoreText(model, [5], { alternatives: 0, vocabulary })).toEqual([]);
    expect(() => scoreText(model, ids, { alternatives: 0, vocabulary })).toThrow(ContextLengthError);
  });
});

describe('embedText', () => {
  it('gives vectors of length 1, the same for the same text', () => {
    const one = embedText(model, tokenizer.encode('hello'));
    expect(one).toHaveLength(32);
    expect(Math.hypot(...one)).toBeCloseTo(1, 6);
    expect(embedText(model, tokenizer.encode('hello'))).toEqual(one);
    expect(embedText(model, tokenizer.encode('hallo'))).not.toEqual(one);
  });
});

describe('adjustments of the logits', () => {
  const prompt = tokenizer.encode('hello');

  it('with nothing in them change nothing', async () => {
    const plain = await new Generator(model, tokenizer, { slots: 1 }).generate({
      prompt,
      sampling: samplingSchema.parse({ temperature: 1, maxTokens: 100, seed: 5 }),
    });
    expect((await generate(prompt)).ids).toEqual(plain.ids);
  });

  it('force a token, with the score that the model itself gives it', async () => {
    const { ids, scores } = await generate(prompt, { bias: [[100, 200]] });
    expect(ids).toEqual(new Array(100).fill(100));
    const own = scoreText(model, [...prompt, ...ids], { alternatives: 0, vocabulary }).slice(prompt.length - 1);
    for (const [place, { logProbability }] of scores.entries()) {
      expect(logProbability).toBeCloseTo(own[place]!.logProbability, 4);
    }
    expect(Math.min(...scores.map(({ logProbability }) => logProbability))).toBeLessThan(-1);
  });

  it('keep a token out', async () => {
    const { ids } = await generate(prompt);
    const banned = ids.map((id) => [id, -200] as const);
    expect(new Set(await generate(prompt, { bias: banned }).then((other) => other.ids)).has(ids[0]!)).toBe(false);
  });

  it('make what was said less likely: a presence penalty leaves nothing twice', async () => {
    const { ids } = await generate(prompt, { presencePenalty: 200 });
    expect(new Set(ids).size).toBe(ids.length);
    const often = await generate(prompt, { bias: [[100, 20]], frequencyPenalty: 1 });
    const count = often.ids.filter((id) => id === 100).length;
    expect(count).toBeGreaterThan(2);
    expect(count).toBeLessThan(40);
  });
});
