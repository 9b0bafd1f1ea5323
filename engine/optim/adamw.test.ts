import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { native, setPrecision, setThreads, threads } from '../native/addon.ts';
import { ParameterSet } from '../nn/parameter-set.ts';
import { expectClose, flat, golden } from '../ops/gradient-check.ts';
import { Random } from '../random.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';

const specs = [
  { name: 'matrix', shape: [4, 5], decay: true },
  { name: 'gain', shape: [6], decay: false },
];
const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 };
const precisions = ['f32', 'bf16'] as const;

beforeEach(() => setPrecision('f32'));
afterEach(() => setPrecision('bf16'));

/** Moments kept in bfloat16, as floats. */
function widened(moments: AdamW['firstMoment']): Float32Array {
  expect(moments).toBeInstanceOf(Uint16Array);
  return new Float32Array(Uint32Array.from(moments, (half) => half << 16).buffer);
}

/** The nearest bfloat16. */
function nearest(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

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

test.each(precisions)('goes on from saved moments to the same bits, in %s', (precision) => {
  setPrecision(precision);
  const random = new Random(1);
  const gradients = Array.from({ length: 6 }, () => Float32Array.from({ length: 26 }, () => random.normal()));
  const run = (parameters: ParameterSet, optimizer: AdamW, steps: Float32Array[]) => {
    for (const gradient of steps) {
      parameters.gradients.set(gradient);
      optimizer.step(0.01, 1);
    }
  };
  const straight = new ParameterSet(specs);
  const whole = new AdamW(straight, options);
  run(straight, whole, gradients);

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
  expect(second.firstMoment).toEqual(whole.firstMoment);
  expect(second.secondMoment).toEqual(whole.secondMoment);
});

test.each(precisions)('has the same bits for any thread count, in %s', (precision) => {
  setPrecision(precision);
  const results = [1, 2, 3].map((count) => {
    const random = new Random(2);
    const parameters = new ParameterSet([{ name: 'weight', shape: [123_457], decay: true }]);
    for (const values of [parameters.values, parameters.gradients]) {
      for (let index = 0; index < values.length; index++) values[index] = random.normal();
    }
    const before = threads();
    setThreads(count);
    const optimizer = new AdamW(parameters, options);
    const norms = [optimizer.step(0.1, 1), optimizer.step(0.1, 1)];
    setThreads(before);
    return { norms, values: parameters.values, first: optimizer.firstMoment, second: optimizer.secondMoment };
  });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

describe('moments in bfloat16', () => {
  beforeEach(() => setPrecision('bf16'));

  it('have a second moment without bias, where the nearest bfloat16 would stand still', () => {
    const beta2 = 0.999;
    const steps = 3000;
    const parameters = new ParameterSet([{ name: 'weight', shape: [20_011], decay: false }]);
    // Squares over two binades, so that all of bfloat16's spacings take part.
    for (let index = 0; index < parameters.count; index++) parameters.gradients[index] = 1 + index / parameters.count;
    const optimizer = new AdamW(parameters, { ...options, beta2 });
    for (let step = 0; step < steps; step++) optimizer.step(1e-4, 0);

    // Rounding without bias leaves the expectation of this linear recursion as it is: (1 - beta2^t) g^2.
    const shares = widened(optimizer.secondMoment).map((v, index) => v / parameters.gradients[index]! ** 2);
    const expected = 1 - beta2 ** steps;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const deviation = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length);
    expect(deviation).toBeLessThan(0.02); // 0.0147: a thousand steps' roundings are in each
    expect(Math.abs(mean - expected)).toBeLessThan((4 * deviation) / Math.sqrt(shares.length));

    let stalled = 0;
    for (let step = 0; step < steps; step++) stalled = nearest(stalled * beta2 + 1.5 ** 2 * (1 - beta2));
    expect(stalled / 1.5 ** 2).toBeLessThan(0.5);
  });

  it('lie at most one spacing from those of f32 after a step, the first at most half of one', () => {
    const random = new Random(3);
    const gradients = Float32Array.from({ length: 4099 }, () => random.normal());
    const [exact, rounded] = precisions.map((precision) => {
      setPrecision(precision);
      const parameters = new ParameterSet([{ name: 'weight', shape: [gradients.length], decay: true }]);
      parameters.gradients.set(gradients);
      const optimizer = new AdamW(parameters, options);
      optimizer.step(0.1, 1);
      return { optimizer, values: parameters.values };
    }) as [{ optimizer: AdamW; values: Float32Array }, { optimizer: AdamW; values: Float32Array }];
    // The step itself saw the moments before they were rounded.
    expect(rounded.values).toEqual(exact.values);
    const first = widened(rounded.optimizer.firstMoment);
    expect(first).toEqual(exact.optimizer.firstMoment.map(nearest));
    const second = new Int32Array(widened(rounded.optimizer.secondMoment).buffer);
    const bits = new Int32Array(exact.optimizer.secondMoment.buffer);
    expect(second.every((word, index) => Math.abs(word - bits[index]!) < 1 << 16)).toBe(true);
    expect(second.some((word, index) => word > bits[index]!)).toBe(true);
    expect(second.some((word, index) => word < bits[index]!)).toBe(true);
  });

  it('stay finite, and the second not negative, at the ends of the range', () => {
    const parameters = new ParameterSet([{ name: 'weight', shape: [64], decay: false }]);
    // Squares that overflow, that lie between the largest bfloat16 and the largest float, that vanish; and zero.
    const ends = [3.4e38, -3.4e38, 2 ** 64 * (1 - 2 ** -24), -(2 ** 64) * (1 - 2 ** -20), 1e-30, -1e-38, 0, -0];
    parameters.gradients.forEach((_, index, gradients) => {
      gradients[index] = ends[index % ends.length]!;
    });
    const optimizer = new AdamW(parameters, { ...options, beta1: 0, beta2: 0 });
    for (let step = 0; step < 20; step++) {
      optimizer.step(1e-3, 0);
      expect(widened(optimizer.firstMoment).every(Number.isFinite)).toBe(true);
      expect(widened(optimizer.secondMoment).every((v) => v >= 0 && Number.isFinite(v))).toBe(true);
      expect(parameters.values.every(Number.isFinite)).toBe(true);
    }
    expect(Math.max(...widened(optimizer.secondMoment))).toBe(nearest(3.389e38));
  });

  it('stay within a thousandth of the way that f32 takes to a minimum', () => {
    const [exact, rounded] = precisions.map((precision) => {
      setPrecision(precision);
      return descend();
    }) as [ReturnType<typeof descend>, ReturnType<typeof descend>];
    // 4.4e-4 and 1.5e-4, where the noise of the gradients leaves 2.5e-2 and 1.1e-2 to the minimum in both.
    expect(distance(rounded.halfway, exact.halfway)).toBeLessThan(1e-3);
    expect(distance(rounded.end, exact.end)).toBeLessThan(1e-3);
    expect(distance(exact.end, exact.target)).toBeLessThan(0.02);
  });

  const available = ['portable', 'avx2', 'avx512', 'avx512bf16', 'amx'];
  const supported = available.slice(0, available.indexOf(native().cpuFeatures()) + 1);
  it('have the same bits on every instruction set', () => {
    // Not clipped: the norm of the gradient is summed in the order of each instruction set.
    const program = `
      import { createHash } from 'node:crypto';
      import { setPrecision } from '../native/addon.ts';
      import { ParameterSet } from '../nn/parameter-set.ts';
      import { AdamW } from './adamw.ts';
      setPrecision('bf16');
      const parameters = new ParameterSet([{ name: 'weight', shape: [40_013], decay: true }]);
      const optimizer = new AdamW(parameters, ${JSON.stringify(options)});
      for (let step = 0; step < 5; step++) {
        parameters.gradients.forEach((_, index, all) => { all[index] = Math.sin(index * 1.7 + step) ** 3; });
        optimizer.step(0.01, 0);
      }
      const hash = createHash('sha256');
      for (const array of [parameters.values, optimizer.firstMoment, optimizer.secondMoment]) hash.update(array);
      console.log(hash.digest('hex'));`;
    const hashes = supported.map((isa) =>
      execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        env: { ...process.env, PARLEY_CPU: isa },
        encoding: 'utf8',
      }).trim(),
    );
    expect(new Set(hashes).size, hashes.join()).toBe(1);
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});

/** The root of the mean squared difference, as a share of that of `b`. */
function distance(a: Float32Array, b: Float32Array): number {
  let [difference, length] = [0, 0];
  for (let index = 0; index < a.length; index++) {
    difference += (a[index]! - b[index]!) ** 2;
    length += b[index]! ** 2;
  }
  return Math.sqrt(difference / length);
}

/** 400 noisy steps down a quadratic whose curvatures span three orders of magnitude. */
function descend() {
  const random = new Random(4);
  const parameters = new ParameterSet([{ name: 'weight', shape: [512], decay: false }]);
  const target = Float32Array.from({ length: 512 }, () => random.normal());
  const curvature = Float32Array.from({ length: 512 }, () => 10 ** (3 * random.next() - 2));
  const optimizer = new AdamW(parameters, { ...options, beta2: 0.999 });
  let halfway = parameters.values;
  for (let step = 0; step < 400; step++) {
    for (let index = 0; index < 512; index++) {
      const slope = parameters.values[index]! - target[index]! + 0.1 * random.normal();
      parameters.gradients[index] = curvature[index]! * slope;
    }
    if (step === 200) halfway = parameters.values.slice();
    optimizer.step(0.03 * (1 - step / 400), 0);
  }
  return { halfway, end: parameters.values, target };
}

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
