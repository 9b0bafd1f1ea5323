import { describe, expect, test } from 'vitest';
import { Random } from '../random.ts';
import { tensor } from '../tensor.ts';
import { type SamplingSettings, TokenSampler } from './token-sampler.ts';

const asItIs: SamplingSettings = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const logitsOf = (probabilities: number[]) => Float32Array.from(probabilities, (p) => Math.log(p) + 3);

/** One token of one row. */
function draw(logits: Float32Array, settings: Partial<SamplingSettings>, chance: number, seen: number[] = []): number {
  const sampler = new TokenSampler(logits.length, 1);
  sampler.prepare(0, { ...asItIs, ...settings }, chance, 0, seen.length, -1);
  sampler.sample(tensor(logits, [1, logits.length]), Int32Array.from(seen));
  return sampler.ids[0]!;
}

/** Shares of each id over chances that are spread evenly. */
function shares(
  logits: Float32Array,
  settings: Partial<SamplingSettings>,
  seen: number[] = [],
  draws = 2000,
): number[] {
  const sampler = new TokenSampler(logits.length, draws);
  for (let row = 0; row < draws; row++) {
    sampler.prepare(row, { ...asItIs, ...settings }, (row + 0.5) / draws, 0, seen.length, -1);
  }
  const rows = new Float32Array(draws * logits.length);
  for (let row = 0; row < draws; row++) rows.set(logits, row * logits.length);
  sampler.sample(tensor(rows, [draws, logits.length]), Int32Array.from(seen));
  const counts = new Array<number>(logits.length).fill(0);
  for (const id of sampler.ids) counts[id]!++;
  return counts.map((count) => count / draws);
}

function expectShares(actual: number[], expected: number[]): void {
  for (const [id, share] of expected.entries()) {
    if (share === 0) expect(actual[id]).toBe(0);
    else expect(Math.abs(actual[id]! - share)).toBeLessThan(0.001);
  }
}

/** The definition, with a sort and one sum after the other. */
function reference(logits: Float32Array, settings: SamplingSettings, chance: number, seen: number[]): number {
  const penalty = settings.repetitionPenalty;
  const values = Array.from(logits, (value, id) =>
    seen.includes(id) ? Math.fround(value > 0 ? value / penalty : value * penalty) : value,
  );
  const largest = Math.max(...values);
  if (settings.temperature === 0) return values.indexOf(largest);
  let kept = values.map((value, id) => ({ id, value, weight: Math.exp((value - largest) / settings.temperature) }));
  const floor = settings.minP > 0 ? largest + settings.temperature * Math.log(settings.minP) : Number.NEGATIVE_INFINITY;
  kept = kept.filter(({ value }) => value >= floor);
  kept.sort((a, b) => b.weight - a.weight || a.id - b.id);
  if (settings.topK > 0) kept.splice(settings.topK);
  if (settings.topP < 1) {
    const target = settings.topP * kept.reduce((sum, { weight }) => sum + weight, 0);
    let reached = 0;
    kept = kept.filter(({ weight }) => {
      const needed = reached < target;
      reached += weight;
      return needed;
    });
  }
  kept.sort((a, b) => a.id - b.id);
  let left = chance * kept.reduce((sum, { weight }) => sum + weight, 0);
  for (const { id, weight } of kept) {
    left -= weight;
    if (left < 0) return id;
  }
  return kept.at(-1)!.id;
}

describe('TokenSampler', () => {
  const probabilities = [0.1, 0.4, 0.05, 0.25, 0.2];
  const logits = logitsOf(probabilities);

  test('draws the model’s distribution at temperature 1', () => {
    expectShares(shares(logits, {}), probabilities);
  });

  test('sharpens by p^(1/T)', () => {
    const powers = probabilities.map((p) => p ** 2);
    const total = powers.reduce((a, b) => a + b);
    expectShares(
      shares(logits, { temperature: 0.5 }),
      powers.map((p) => p / total),
    );
  });

  test('takes the most likely at temperature 0, the lowest id of equals', () => {
    expect(draw(logits, { temperature: 0 }, 0)).toBe(1);
    expect(draw(Float32Array.of(1, 2, 2), { temperature: 0 }, 0)).toBe(1);
  });

  test('top-k keeps exactly k, renormalised', () => {
    expectShares(shares(logits, { topK: 2 }), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]);
    expectShares(shares(Float32Array.of(0, 0, 0, 0), { topK: 2 }), [0.5, 0.5, 0, 0]);
    expectShares(shares(logits, { topK: 99 }), probabilities);
  });

  test('top-p keeps the smallest set that reaches p', () => {
    expectShares(shares(logits, { topP: 0.6 }), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0]);
    expectShares(shares(logits, { topP: 0.39 }), [0, 1, 0, 0, 0]);
    expectShares(shares(logits, { topP: 1e-9 }), [0, 1, 0, 0, 0]);
    expectShares(shares(logits, { topP: 0.999 }), probabilities);
  });

  test('min-p drops what is less likely than its share of the best', () => {
    expectShares(shares(logits, { minP: 0.45 }), [0, 0.4 / 0.85, 0, 0.25 / 0.85, 0.2 / 0.85]);
  });

  test('applies temperature before top-p and min-p, as Hugging Face does', () => {
    // Squared and normalised the two best cover 0.16 + 0.0625 of 0.275 = 0.81.
    expectShares(shares(logits, { temperature: 0.5, topP: 0.8 }), [0, 0.16 / 0.2225, 0, 0.0625 / 0.2225, 0]);
    const minP = [0, 0.16 / 0.2625, 0, 0.0625 / 0.2625, 0.04 / 0.2625];
    expectShares(shares(logits, { temperature: 0.5, minP: 0.2 }), minP);
  });

  test('penalises tokens that were seen: positive logits divided, negative ones multiplied', () => {
    const values = Float32Array.of(2, 1.5, -1, -1.2);
    const penalty = { temperature: 0, repetitionPenalty: 1.5 };
    expect(draw(values, penalty, 0, [0, 0])).toBe(1);
    expect(draw(Float32Array.of(-1, -1.2), penalty, 0, [0])).toBe(1);
    expect([...values]).toEqual([2, 1.5, -1, Math.fround(-1.2)]);
  });

  test('draws what the definition draws, all rows with their own settings in one call', () => {
    const random = new Random(3);
    for (const vocabulary of [1, 2, 15, 16, 17, 1000, 1024, 5000]) {
      const rows = 24;
      const padded = vocabulary + random.integer(20);
      const values = Float32Array.from({ length: rows * padded }, () => Math.fround(3 * random.normal()));
      const history = Int32Array.from({ length: 200 }, () => random.integer(vocabulary));
      const sampler = new TokenSampler(vocabulary, rows + 3);
      const expected: number[] = [];
      for (let row = 0; row < rows; row++) {
        // Padding is never drawn, however likely.
        values.fill(100, row * padded + vocabulary, (row + 1) * padded);
        if (row % 5 === 0) for (let i = 0; i < vocabulary; i++) values[row * padded + i] = Math.round(values[i]!); // ties
        const settings = {
          temperature: [0, 0.3, 1, 2][random.integer(4)]!,
          topK: [0, 1, 40, 3000][random.integer(4)]!,
          topP: [1, 0.95, 0.5][random.integer(3)]!,
          minP: [0, 0, 0.05][random.integer(3)]!,
          repetitionPenalty: [1, 1, 1.3][random.integer(3)]!,
        };
        const [chance, from] = [random.next(), random.integer(150)];
        sampler.prepare(row, settings, chance, from, from + 40, -1);
        const own = values.subarray(row * padded, row * padded + vocabulary);
        expected.push(reference(own, settings, chance, [...history.subarray(from, from + 40)]));
      }
      sampler.sample(tensor(values, [rows, padded]), history);
      expect([...sampler.ids.subarray(0, rows)]).toEqual(expected);
    }
  });

  test('scores by the log-softmax, with the best alternatives in order', () => {
    const sampler = new TokenSampler(5, 3);
    const rows = Float32Array.from([...logits, ...logits, ...logits]);
    [3, 0, 9].forEach((alternatives, row) => {
      sampler.prepare(row, { ...asItIs, temperature: 0, repetitionPenalty: 2 }, 0, 0, 1, alternatives);
    });
    sampler.sample(tensor(rows, [3, 5]), Int32Array.of(1));
    expect(sampler.ids[0]).toBe(3);
    expect(sampler.scores[0]).toBeCloseTo(Math.log(0.25), 5);
    expect(sampler.alternatives(0).map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(sampler.alternatives(0)[0]!.logProbability).toBeCloseTo(Math.log(0.4), 5);
    expect(sampler.alternatives(1)).toEqual([]);
    expect(sampler.alternatives(2).map(({ id }) => id)).toEqual([1, 3, 4, 0, 2]);
  });

  test('refuses logits that are not finite', () => {
    expect(() => draw(Float32Array.of(0, Number.NaN), {}, 0)).toThrow(/not finite \(largest: NaN\)/);
    expect(() => draw(Float32Array.of(0, Number.POSITIVE_INFINITY), {}, 0)).toThrow(/not finite/);
  });
});
