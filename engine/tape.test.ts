import { beforeAll, expect, test } from 'vitest';
import { arenaStatistics } from './arena.ts';
import { native, setPrecision, setThreads, threads } from './native/addon.ts';
import { fillConstant, fillNormal } from './nn/initialize.ts';
import { ParameterSet } from './nn/parameter-set.ts';
import { type AttentionOptions, attention } from './ops/attention.ts';
import { crossEntropy } from './ops/cross-entropy.ts';
import { add, multiply, scale, sum } from './ops/elementwise.ts';
import { embedding } from './ops/embedding.ts';
import { expectClose, randomLeaf, toBf16 } from './ops/gradient-check.ts';
import { linear, roundedLinear } from './ops/linear.ts';
import { rmsNorm } from './ops/rms-norm.ts';
import { swiglu } from './ops/swiglu.ts';
import { AdamW } from './optim/adamw.ts';
import { Random } from './random.ts';
import { backward, checkpoint, inference, scope } from './tape.ts';
import { type Tensor, tensor } from './tensor.ts';

beforeAll(() => setPrecision('f32'));

/** A decoder block with tied embeddings: every operation of training in one computation. */
class TinyDecoder {
  static readonly vocabulary = 50;
  static readonly width = 24;
  readonly parameters = new ParameterSet([
    { name: 'embedding', shape: [50, 24], decay: true },
    { name: 'attentionNorm', shape: [24], decay: false },
    { name: 'qkv', shape: [48, 24], decay: true },
    { name: 'out', shape: [24, 24], decay: true },
    { name: 'feedForwardNorm', shape: [24], decay: false },
    { name: 'gateUp', shape: [64, 24], decay: true },
    { name: 'down', shape: [24, 32], decay: true },
  ]);

  constructor() {
    const random = new Random(5);
    for (const { name, shape } of this.parameters.specs) {
      if (shape.length === 1) fillConstant(this.parameters.get(name), 1);
      else fillNormal(this.parameters.get(name), random, 0.2);
    }
  }

  loss(ids: Int32Array, targets: Int32Array, batch: number, normalizer: number, checkpointed = false): Tensor {
    const get = (name: string) => this.parameters.get(name);
    const layout = { heads: 4, keyValueHeads: 2, headDim: 6, batch, length: ids.length / batch, ropeTheta: 100 };
    const block = (x: Tensor) => this.#block(x, layout);
    const x = embedding(ids, get('embedding'));
    const hidden = checkpointed ? checkpoint(block, x) : block(x);
    return crossEntropy(hidden, get('embedding'), targets, { normalizer }).loss;
  }

  #block(x: Tensor, layout: AttentionOptions): Tensor {
    const get = (name: string) => this.parameters.get(name);
    const attended = attention(roundedLinear(rmsNorm(x, get('attentionNorm'), 1e-5), get('qkv')), layout);
    const middle = linear(attended, get('out'), x);
    const activated = swiglu(roundedLinear(rmsNorm(middle, get('feedForwardNorm'), 1e-5), get('gateUp')));
    return linear(activated, get('down'), middle);
  }
}

function randomBatch(random: Random, tokens: number): { ids: Int32Array; targets: Int32Array } {
  return {
    ids: Int32Array.from({ length: tokens }, () => random.integer(TinyDecoder.vocabulary)),
    targets: Int32Array.from({ length: tokens }, () => random.integer(TinyDecoder.vocabulary + 1) - 1),
  };
}

test('gradients of micro-batches add up to those of the whole batch', () => {
  const [batch, length] = [6, 40];
  const { ids, targets } = randomBatch(new Random(1), batch * length);
  const whole = new TinyDecoder();
  scope(() => backward(whole.loss(ids, targets, batch, 100)));

  const parts = new TinyDecoder();
  for (let row = 0; row < batch; row += 2) {
    const [from, to] = [row * length, (row + 2) * length];
    scope(() => backward(parts.loss(ids.subarray(from, to), targets.subarray(from, to), 2, 100)));
  }
  expectClose(parts.parameters.gradients, whole.parameters.gradients, 1e-6);
});

test.each(['f32', 'bf16'] as const)('gradients have the same bits for any thread count, in %s', (precision) => {
  setPrecision(precision);
  const before = threads();
  const [batch, length] = [5, 130];
  const { ids, targets } = randomBatch(new Random(2), batch * length);
  const [first, ...others] = [1, 2, 3].map((count) => {
    setThreads(count);
    const decoder = new TinyDecoder();
    scope(() => backward(decoder.loss(ids, targets, batch, 10)));
    return decoder.parameters.gradients;
  });
  setThreads(before);
  setPrecision('f32');
  for (const other of others) expect(other).toEqual(first);
});

test.each(['f32', 'bf16'] as const)('steps in the steady state take no native memory, in %s', (precision) => {
  setPrecision(precision);
  const decoder = new TinyDecoder();
  const optimizer = new AdamW(decoder.parameters, { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 });
  const { ids, targets } = randomBatch(new Random(3), 200);
  const step = (checkpointed: boolean) => {
    decoder.parameters.zeroGradients();
    scope(() => backward(decoder.loss(ids, targets, 4, 10, checkpointed)));
    optimizer.step(1e-3, 1);
  };
  const counters = () => ({ arena: arenaStatistics(), reservations: native().reservations() });
  for (let index = 0; index < 3; index++) step(index % 2 === 1);
  const warm = counters();
  for (let index = 0; index < 20; index++) step(index % 2 === 1);
  expect(counters()).toEqual(warm);
  setPrecision('f32');
});

test.each(['f32', 'bf16'] as const)(
  'computing a block again for its gradients gives the same bits, in %s',
  (precision) => {
    setPrecision(precision);
    const { ids, targets } = randomBatch(new Random(4), 390);
    const [plain, checkpointed] = [false, true].map((again) => {
      const decoder = new TinyDecoder();
      const loss = scope(() => {
        const result = decoder.loss(ids, targets, 3, 10, again);
        backward(result);
        return result.data[0];
      });
      return { loss, gradients: decoder.parameters.gradients };
    });
    setPrecision('f32');
    expect(checkpointed).toEqual(plain);
  },
);

test('what is not kept is the same when it is computed again, in whatever order it is made and used', () => {
  setPrecision('bf16');
  const random = new Random(11);
  const leaf = (shape: number[]) => randomLeaf(random, shape);
  const branches = [0, 1, 2].map(() => ({
    x: leaf([6, 32]),
    gain: leaf([32]),
    up: leaf([64, 32]),
    out: leaf([4, 32]),
  }));
  const leaves = branches.flatMap(Object.values) as Tensor[];
  const gradients = () =>
    leaves.map((each) => {
      const { gradient } = each;
      each.gradient = null;
      return gradient;
    });

  for (const { x, gain, up, out } of branches) {
    scope(() => backward(sum(linear(swiglu(roundedLinear(rmsNorm(x, gain, 1e-5), up)), out))));
  }
  const alone = gradients();

  const again = { recomputed: true };
  // Three tensors of every size at once, each read after the others were made, one of them twice by the reader.
  scope(() => {
    const normed = branches.map(({ x, gain }) => rmsNorm(x, gain, 1e-5, again));
    const gated = normed.map((tensor, index) => roundedLinear(tensor, branches[index]!.up, again));
    const first = Array.from(normed[0]!.data);
    const fed = gated.map((tensor) => swiglu(tensor, again));
    const outs = fed.map((tensor, index) => linear(tensor, branches[index]!.out));
    expect(Array.from(normed[0]!.data)).toEqual(first);
    backward(sum(add(add(outs[0]!, outs[1]!), outs[2]!)));
  });
  setPrecision('f32');
  expect(gradients()).toEqual(alone);
});

test('a checkpoint may begin at what is not kept', () => {
  setPrecision('bf16');
  const random = new Random(13);
  const [a, b, gain, other] = [[6, 32], [6, 32], [32], [32]].map((shape) => randomLeaf(random, shape)) as Tensor[];
  const weights = [0, 1, 2].map(() => randomLeaf(random, [4, 32]));
  const leaves = [a!, b!, gain!, other!, ...weights];
  const [plain, checkpointed] = [false, true].map((again) => {
    for (const leaf of leaves) leaf.gradient = null;
    scope(() => {
      const first = rmsNorm(a!, gain!, 1e-5, { recomputed: true });
      const used = linear(first, weights[0]!);
      const second = linear(rmsNorm(b!, other!, 1e-5, { recomputed: true }), weights[1]!);
      const project = (x: Tensor) => linear(x, weights[2]!);
      backward(sum(add(add(used, second), again ? checkpoint(project, first) : project(first))));
    });
    return leaves.map((leaf) => leaf.gradient!);
  });
  setPrecision('f32');
  for (const [index, gradient] of checkpointed!.entries()) expectClose(gradient, plain![index]!, 1e-6);
});

test('a loss that is read before backward is the one that backward leaves', () => {
  const { ids, targets } = randomBatch(new Random(12), 60);
  const results = [false, true].map((early) => {
    const decoder = new TinyDecoder();
    return scope(() => {
      const result = crossEntropy(
        rmsNorm(embedding(ids, decoder.parameters.get('embedding')), decoder.parameters.get('attentionNorm'), 1e-5),
        decoder.parameters.get('embedding'),
        targets,
        { entropies: true },
      );
      const before = early ? [result.loss.data[0], ...result.logProbabilities] : [];
      backward(result.loss);
      const after = [result.loss.data[0], ...result.logProbabilities];
      if (early) expect(before).toEqual(after);
      return { after, entropies: result.entropies, gradients: decoder.parameters.gradients };
    });
  });
  expect(results[0]!.after[0]).toBeGreaterThan(0);
  expect(results[1]).toEqual(results[0]);
});

test('a checkpoint passes on the gradient of any function, added to what is there', () => {
  const a = tensor([1, 2, 3], [3]);
  a.requiresGradient = true;
  scope(() => {
    const doubled = scale(a, 2);
    const cubed = checkpoint((x) => multiply(multiply(x, x), x), doubled);
    backward(sum(add(cubed, multiply(doubled, doubled))));
  });
  expect(Array.from(a.gradient!)).toEqual([1, 2, 3].map((x) => 24 * x ** 2 + 8 * x));
});

test('gradients that leave a checkpoint survive the next one, of any size', () => {
  const run = (through: typeof checkpoint) => {
    const a = tensor(
      Float32Array.from({ length: 64 }, (_, index) => 1 + index / 100),
      [64],
    );
    a.requiresGradient = true;
    scope(() => {
      const output = [7, 3, 1, 2].reduce(
        (input, times) => through((x) => Array.from({ length: times }).reduce((y: Tensor) => scale(y, 0.7), x), input),
        scale(a, 1),
      );
      backward(sum(output));
    });
    return a.gradient;
  };
  expect(run(checkpoint)).toEqual(run((compute, input) => compute(input)));
});

test('in bf16 a checkpoint takes and passes on gradients as rounded as they are without one', () => {
  const random = new Random(7);
  const leaves = [[40, 24], [24], [48, 24], [24], [20, 24]].map((shape) => randomLeaf(random, shape));
  const [x, gain, gateUp, outerGain, head] = leaves as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const upstream = randomLeaf(random, [40, 20]);
  const run = (through: typeof checkpoint) => {
    for (const each of leaves) each.gradient = null;
    scope(() => {
      const normed = rmsNorm(x, gain, 1e-5);
      // From the product inside to the norm before it, and from the product behind to the norm inside.
      const middle = through((input) => rmsNorm(swiglu(linear(input, gateUp)), outerGain, 1e-5), normed);
      backward(sum(multiply(linear(middle, head), upstream)));
    });
    return leaves.map((each) => each.gradient!);
  };
  setPrecision('bf16');
  const [plain, checkpointed] = [run((compute, input) => compute(input)), run(checkpoint)];
  setPrecision('f32');
  expect(checkpointed).toEqual(plain);
  run(checkpoint).forEach((exact, index) => {
    expect(plain[index]).not.toEqual(exact);
    expectClose(plain[index]!, exact, 2e-2);
  });
});

test('in bf16 the gradient of what a product alone reads comes rounded, and of what others read too does not', () => {
  const random = new Random(8);
  const [x, gain] = [randomLeaf(random, [30, 24]), randomLeaf(random, [24])];
  const [weight, upstream] = [randomLeaf(random, [20, 24]), randomLeaf(random, [30, 20])];
  const gradient = (others: (normed: Tensor) => Tensor | null) => {
    gain.gradient = null;
    scope(() => {
      const normed = rmsNorm(x, gain, 1e-5);
      const loss = sum(multiply(linear(normed, weight), upstream));
      const other = others(normed);
      backward(other === null ? loss : add(loss, other));
    });
    return gain.gradient!;
  };
  const byHand = (rounded: boolean) => {
    const dx = new Float32Array(30 * 24);
    native().productInputGradient(upstream.data, weight.data, dx, false, 30, 24, 20);
    const dy = rounded ? Uint16Array.from(dx, toBf16) : dx;
    const [inverse, dGain] = [new Float32Array(30), new Float32Array(24)];
    native().rmsNormForward(x.data, gain.data, new Float32Array(30 * 24), inverse, 1e-5);
    native().rmsNormBackward(x.data, gain.data, inverse, dy, null, false, dGain, false);
    return dGain;
  };
  expect(gradient(() => null)).toEqual(byHand(false));
  setPrecision('bf16');
  const [alone, shared] = [gradient(() => null), gradient((normed) => scale(sum(normed), 0))];
  const [rounded, whole] = [byHand(true), byHand(false)];
  setPrecision('f32');
  expect(alone).toEqual(rounded);
  expect(shared).toEqual(whole);
  expect(rounded).not.toEqual(whole);
});

test('backward adds to the gradients of leaves and leaves none on intermediates', () => {
  const a = tensor([1, 2, 3], [3]);
  a.requiresGradient = true;
  for (let repeat = 1; repeat <= 2; repeat++) {
    scope(() => {
      const square = multiply(a, a);
      backward(sum(square));
      expect(square.gradient).toBeNull();
    });
    expect(Array.from(a.gradient!)).toEqual([2 * repeat, 4 * repeat, 6 * repeat]);
  }
});

test('computes no gradient for constants', () => {
  const a = tensor([1, 2], [2]);
  const b = tensor([3, 4], [2]);
  b.requiresGradient = true;
  scope(() => {
    expect(add(a, a).requiresGradient).toBe(false);
    backward(sum(multiply(a, b)));
  });
  expect(a.gradient).toBeNull();
  expect(Array.from(b.gradient!)).toEqual([1, 2]);
});

test('scopes nest: an inner one gives its memory back', () => {
  const a = tensor([1, 2, 3], [3]);
  scope(() => {
    const outer = scale(a, 2);
    const kept = inference(() => {
      const inner = scale(outer, 10);
      expect(inner.requiresGradient).toBe(false);
      return inner.data.slice();
    });
    scope(() => scale(outer, -1));
    expect(Array.from(kept)).toEqual([20, 40, 60]);
    expect(Array.from(outer.data)).toEqual([2, 4, 6]);
  });
});

test('in bf16 the tape keeps what only products read as they round it', () => {
  const random = new Random(6);
  const x = tensor(
    Float32Array.from({ length: 40 * 50 }, () => random.normal()),
    [40, 50],
  );
  const gain = tensor(new Float32Array(50).fill(1), [50]);
  const exact = inference(() => rmsNorm(x, gain, 1e-5).data.slice());
  x.requiresGradient = true;
  const run = () =>
    scope(() => {
      const normed = rmsNorm(x, gain, 1e-5);
      return { stored: normed.stored.slice(), data: normed.data.slice() };
    });
  expect(run().stored).toEqual(exact);
  setPrecision('bf16');
  const rounded = run();
  setPrecision('f32');
  expect(rounded.stored).toEqual(Uint16Array.from(exact, toBf16));
  expectClose(rounded.data, exact, 4e-3);
});

test('a tensor that outlived its scope says so', () => {
  const dead = scope(() => scale(tensor([1], [1]), 2));
  expect(() => dead.data).toThrow('belongs to a scope that has returned');
});

test('says what is missing', () => {
  const a = tensor([1, 2], [2]);
  a.requiresGradient = true;
  expect(() => scale(a, 2)).toThrow('scale was called outside a scope');
  expect(() => scope(() => backward(scale(a, 2)))).toThrow('the loss must be a scalar, but its shape is [2]');
  expect(() => scope(() => backward(inference(() => sum(a))))).toThrow('the loss is not on the tape');
  expect(() => scope(() => Promise.resolve())).toThrow('must be synchronous');
  const twice = () =>
    scope(() => {
      const loss = sum(a);
      backward(loss);
      backward(loss);
    });
  expect(twice).toThrow('was already computed');
});
