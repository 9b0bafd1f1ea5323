import type { Sampling } from '@parley/contracts';
import { Random } from '@parley/engine';
import { describe, expect, it } from 'vitest';
import { Sampler, type SamplerSettings, scoreToken } from './sampler.ts';

const asItIs: SamplerSettings = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const logitsOf = (probabilities: number[]) => Float32Array.from(probabilities, (p) => Math.log(p) + 3);

/** Shares of each id over many draws. */
function shares(logits: Float32Array, settings: Partial<Sampling>, seen: number[] = [], draws = 20_000): number[] {
  const sampler = new Sampler(logits.length);
  const random = new Random(7);
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampler.sample(logits, { ...asItIs, ...settings }, random, seen)]!++;
  return counts.map((count) => count / draws);
}

function expectShares(actual: number[], expected: number[]): void {
  for (const [id, share] of expected.entries()) {
    if (share === 0) expect(actual[id]).toBe(0);
    else expect(Math.abs(actual[id]! - share)).toBeLessThan(0.015);
  }
}

describe('Sampler', () => {
  const probabilities = [0.1, 0.4, 0.05, 0.25, 0.2];
  const logits = logitsOf(probabilities);

  it('draws the model’s distribution at temperature 1', () => {
    expectShares(shares(logits, {}), probabilities);
  });

  it('sharpens by p^(1/T)', () => {
    const powers = probabilities.map((p) => p ** 2);
    const total = powers.reduce((a, b) => a + b);
    expectShares(
      shares(logits, { temperature: 0.5 }),
      powers.map((p) => p / total),
    );
  });

  it('takes the most likely at temperature 0, the lowest id of equals', () => {
    expectShares(shares(logits, { temperature: 0 }, [], 10), [0, 1, 0, 0, 0]);
    expectShares(shares(Float32Array.of(1, 2, 2), { temperature: 0 }, [], 10), [0, 1, 0]);
  });

  it('top-k keeps exactly k, renormalised', () => {
    expectShares(shares(logits, { topK: 2 }), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]);
    expectShares(shares(Float32Array.of(0, 0, 0, 0), { topK: 2 }), [0.5, 0.5, 0, 0]);
    expectShares(shares(logits, { topK: 99 }), probabilities);
  });

  it('top-p keeps the smallest set that reaches p', () => {
    expectShares(shares(logits, { topP: 0.6 }), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]);
    expectShares(shares(logits, { topP: 0.39 }), [0, 1, 0, 0, 0]);
    expectShares(shares(logits, { topP: 1e-9 }), [0, 1, 0, 0, 0]);
    expectShares(shares(logits, { topP: 0.999 }), probabilities);
  });

  it('min-p drops what is less likely than its share of the best', () => {
    expectShares(shares(logits, { minP: 0.45 }), [0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85]);
  });

  it('applies temperature before top-p and min-p, as Hugging Face does', () => {
    const powers = probabilities.map((p) => p ** 2);
    const total = powers.reduce((a, b) => a + b);
    // Squared and normalised the two best cover 0.16 + 0.0625 of 0.275 = 0.81.
    expectShares(shares(logits, { temperature: 0.5, topP: 0.8 }), [0, 0.16 / 0.2225, 0, 0.0625 / 0.2225, 0]);
    expectShares(shares(logits, { temperature: 0.5, minP: 0.2 }), [
      0,
      0.16 / 0.2625,
      0,
      0.0625 / 0.2625,
      0.04 / 0.2625,
    ]);
    expect(total).toBeCloseTo(0.275);
  });

  it('agrees with a plain sort on a large vocabulary', () => {
    const random = new Random(3);
    const large = Float32Array.from({ length: 5000 }, () => 3 * random.normal());
    const weights = [...large]
      .map((value, id) => ({ id, weight: Math.exp(value) }))
      .sort((a, b) => b.weight - a.weight);
    const total = weights.reduce((sum, { weight }) => sum + weight, 0);
    let covered = 0;
    const nucleus = new Set<number>();
    for (const { id, weight } of weights) {
      if (covered >= 0.5 * total) break;
      nucleus.add(id);
      covered += weight;
    }
    const drawn = shares(large, { topP: 0.5 }, [], 2000).flatMap((share, id) => (share > 0 ? [id] : []));
    expect(drawn.every((id) => nucleus.has(id))).toBe(true);
    const topK = new Set(weights.slice(0, 50).map(({ id }) => id));
    const drawnTopK = shares(large, { topK: 50, temperature: 2 }, [], 2000).flatMap((share, id) =>
      share > 0 ? [id] : [],
    );
    expect(new Set(drawnTopK)).toEqual(topK);
  });

  it('penalises tokens that were seen: positive logits divided, negative ones multiplied', () => {
    const values = Float32Array.of(2, 1.5, -1, -1.2);
    const penalty = { temperature: 0, repetitionPenalty: 1.5 };
    expectShares(shares(values, penalty, [0], 5), [0, 1, 0, 0]);
    expectShares(shares(Float32Array.of(-1, -1.2), penalty, [0], 5), [0, 1]);
    expect([...values]).toEqual([2, 1.5, -1, Math.fround(-1.2)]);
  });

  it('gives the same draws for the same seed', () => {
    const draw = (seed: number) => {
      const [sampler, random] = [new Sampler(5), new Random(seed)];
      return Array.from({ length: 50 }, () => sampler.sample(logits, asItIs, random, []));
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('refuses logits that are not finite', () => {
    expect(() => shares(Float32Array.of(Number.NaN, Number.NaN), {})).toThrow(/not finite \(largest: NaN\)/);
    expect(() => shares(Float32Array.of(0, Number.POSITIVE_INFINITY), {})).toThrow(/not finite/);
  });
});

describe('scoreToken', () => {
  it('is the log-softmax, with the best alternatives in order', () => {
    const probabilities = [0.1, 0.4, 0.05, 0.25, 0.2];
    const { logProbability, alternatives } = scoreToken(logitsOf(probabilities), 2, 3);
    expect(logProbability).toBeCloseTo(Math.log(0.05), 5);
    expect(alternatives.map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(alternatives[0]!.logProbability).toBeCloseTo(Math.log(0.4), 5);
    expect(scoreToken(logitsOf(probabilities), 2, 0).alternatives).toEqual([]);
    expect(scoreToken(logitsOf(probabilities), 2, 9).alternatives).toHaveLength(5);
  });
});
