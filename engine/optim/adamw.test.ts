import { expect, test } from 'vitest';
import { setThreads, threads } from '../native/addon.ts';
import { ParameterSet } from '../nn/parameter-set.ts';
import { expectClose, flat, golden } from '../ops/gradient-check.ts';
import { Random } from '../random.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';

const specs = [
  { name: 'matrix', shape: [4, 5], decay: true },
  { name: 'gain', shape: [6], decay: false },
];
const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };

test("follows PyTorch's AdamW and clipping", () => {
  const file = golden('../optim/adamw');
  const parameters = new ParameterSet(specs);
  parameters.values.set(flat(file.initial));
  const optimizer = new AdamW(parameters, file.options as AdamWOptions);
  for (const step of file.steps as { learningRate: number; gradient: number[]; norm: number; values: number[] }[]) {
    parameters.gradients.set(step.gradient);
    expect(optimizer.step(step.learningRate, file.clip as number)).toBeCloseTo(step.norm, 5);
    expectClose(parameters.values, step.values, 1e-6);
  }
  expect(optimizer.steps).toBe(5);
});

test('goes on from saved moments to the same bits', () => {
  const random = new Random(1);
  const gradients = Array.from({ length: 6 }, () => Float32Array.from({ length: 26 }, () => random.normal()));
  const run = (parameters: ParameterSet, optimizer: AdamW, steps: Float32Array[]) => {
    for (const gradient of steps) {
      parameters.gradients.set(gradient);
      optimizer.step(0.01, 1);
    }
  };
  const straight = new ParameterSet(specs);
  run(straight, new AdamW(straight, options), gradients);

  const before = new ParameterSet(specs);
  const first = new AdamW(before, options);
  run(before, first, gradients.slice(0, 3));
  const resumed = new ParameterSet(specs);
  resumed.values.set(before.values);
  const second = new AdamW(resumed, options);
  second.firstMoment.set(first.firstMoment);
  second.secondMoment.set(first.secondMoment);
  second.steps = first.steps;
  run(resumed, second, gradients.slice(3));
  expect(resumed.values).toEqual(straight.values);
});

test('has the same bits for any thread count', () => {
  const results = [1, 2, 3].map((count) => {
    const random = new Random(2);
    const parameters = new ParameterSet([{ name: 'weight', shape: [123_457], decay: true }]);
    for (const values of [parameters.values, parameters.gradients]) {
      for (let index = 0; index < values.length; index++) values[index] = random.normal();
    }
    const before = threads();
    setThreads(count);
    const norm = new AdamW(parameters, options).step(0.1, 1);
    setThreads(before);
    return { norm, values: parameters.values };
  });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('a gradient of %d changes nothing and is named', (bad) => {
  const parameters = new ParameterSet(specs);
  parameters.values.fill(1);
  parameters.gradients.fill(0.5);
  parameters.get('gain').gradient![2] = bad;
  const optimizer = new AdamW(parameters, options);
  expect(() => optimizer.step(0.1, 1)).toThrow(`AdamW: the gradient of 'gain' is ${bad} at element 2 in step 1`);
  expect(optimizer.steps).toBe(0);
  expect(parameters.values.every((value) => value === 1)).toBe(true);
});

test('names an option that is out of range', () => {
  expect(() => new AdamW(new ParameterSet(specs), { ...options, beta2: 1 })).toThrow('beta2 is 1');
});
