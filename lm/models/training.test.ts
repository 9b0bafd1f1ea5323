import { readFileSync } from 'node:fs';
import {
  AdamW,
  arenaStatistics,
  backward,
  type Precision,
  Random,
  scope,
  setPrecision,
  setThreads,
  threads,
} from '@parley/engine';
import { afterAll, expect, test } from 'vitest';
import { deriveArchitecture } from './derive.ts';
import { Llama } from './llama.ts';

const usualThreads = threads();
afterAll(() => {
  setPrecision('bf16');
  setThreads(usualThreads);
});

/** English that lies beside the code, as bytes. */
const text = readFileSync(new URL('../data/demonstrations/everyday.en.txt', import.meta.url));
const [batch, length] = [8, 48];
const { config } = deriveArchitecture(
  { depth: 2, width: 64, heads: 2, keyValueHeads: 2, intermediate: 0, context: length },
  256,
);

/** Losses and final weights of a training from one seed. */
function train(precision: Precision, threadCount: number, steps = 200) {
  setPrecision(precision);
  setThreads(threadCount);
  const random = new Random(3);
  const model = new Llama(config, random);
  const optimizer = new AdamW(model.parameters, { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const starts = Array.from({ length: batch }, () => random.integer(text.length - length));
    const tokens = (shift: number) =>
      Int32Array.from(starts.flatMap((start) => [...text.subarray(start + shift, start + shift + length)]));
    model.parameters.zeroGradients();
    scope(() => {
      const { loss } = model.loss(tokens(0), tokens(1), { batch, length });
      backward(loss);
      losses.push(loss.data[0]!);
    });
    optimizer.step(5e-4, 1);
  }
  return { losses, weights: model.parameters.values };
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}

test('200 steps on text in bf16 stay within half a percent of f32, with the same bits on any threads', () => {
  const exact = train('f32', 2);
  const rounded = train('bf16', 2);
  expect(exact.losses.at(-1)).toBeLessThan(0.7 * exact.losses[0]!);
  for (const [step, loss] of rounded.losses.entries()) {
    expect(Math.abs(loss / exact.losses[step]! - 1), `step ${step}`).toBeLessThan(0.005);
  }
  for (const threadCount of [1, 2]) {
    const again = train('bf16', threadCount);
    expect(again.losses).toEqual(rounded.losses);
    expect(sameBits(again.weights, rounded.weights)).toBe(true);
  }
});

test('computing again what was not kept takes less memory and changes no bit', () => {
  setPrecision('bf16');
  const random = new Random(1);
  const deep = { ...config, num_hidden_layers: 12 };
  const ids = Int32Array.from({ length: 40 * length }, () => random.integer(256));
  const run = (settings: Partial<Llama>) => {
    const model = Object.assign(new Llama(deep, new Random(2)), settings);
    scope(() => backward(model.loss(ids, ids, { batch: 40, length }).loss));
    return { gradients: model.parameters.gradients, peakBytes: arenaStatistics().peakBytes };
  };
  const checkpointed = run({ activationCheckpointing: true });
  const lean = run({ mostKept: 0 });
  const plain = run({});
  for (const other of [checkpointed, lean]) expect(sameBits(other.gradients, plain.gradients)).toBe(true);
  expect(checkpointed.peakBytes).toBeLessThan(0.4 * plain.peakBytes);
  expect(lean.peakBytes).toBeGreaterThan(checkpointed.peakBytes);
  expect(lean.peakBytes).toBeLessThan(0.8 * plain.peakBytes);
});
