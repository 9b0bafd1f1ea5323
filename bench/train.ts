/**
 * Speed of one training step: forward, backward, gradient norm and AdamW on random tokens, at any size.
 *
 * GFLOP/s count what the mathematics needs, 6 x parameters + 6 x layers x context x width per token (Kaplan et
 * al. 2020, section 2.1, with causal attention counted at half), so padding or recomputation never flatters
 * the figure. The share is taken of a peak measured in the same minute, because machines are shared.
 */
import {
  AdamW,
  backward,
  cpuFeatures,
  measurePeak,
  type Precision,
  Random,
  scope,
  setPrecision,
  threads,
} from '@parley/engine';
import { deriveArchitecture, Llama } from '@parley/lm/models';

export interface TrainSize {
  layers: number;
  width: number;
  heads: number;
  context: number;
  batch: number;
  vocabulary: number;
}

export interface TrainBenchmark {
  tokensPerSecond: number;
  gflops: number;
  peakGflops: number;
  shareOfPeak: number;
  millisecondsPerStep: number;
  /** Largest resident set of the process so far. */
  memoryMB: number;
  parameters: number;
  precision: Precision;
  threads: number;
  cpu: string;
}

/**
 * Reads `LAYERSxWIDTHxHEADSxCONTEXTxBATCHxVOCABULARY`, e.g. `6x384x6x256x16x8192`.
 * @throws RangeError that says which number does not fit
 */
export function parseTrainSize(text: string): TrainSize {
  const numbers = text.split('x').map(Number);
  if (numbers.length !== 6 || numbers.some((value) => !Number.isInteger(value) || value < 1)) {
    throw new RangeError(
      `"${text}" is not LAYERSxWIDTHxHEADSxCONTEXTxBATCHxVOCABULARY: give six positive whole numbers, e.g. 6x384x6x256x16x8192`,
    );
  }
  const [layers, width, heads, context, batch, vocabulary] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (width % heads !== 0 || (width / heads) % 2 !== 0) {
    throw new RangeError(`a width of ${width} over ${heads} heads must be an even whole number per head`);
  }
  return { layers, width, heads, context, batch, vocabulary };
}

/** How long to train before, and while, steps are timed: a small model's first ones are slow until all is compiled. */
export interface TrainDuration {
  warmUp: { steps: number; seconds: number };
  timed: { steps: number; seconds: number };
}

const usualDuration: TrainDuration = { warmUp: { steps: 2, seconds: 1 }, timed: { steps: 7, seconds: 2 } };

/** Median over the timed training steps; each part lasts for both its steps and its seconds. */
export function benchTrain(
  size: TrainSize,
  precision: Precision,
  { warmUp, timed }: TrainDuration = usualDuration,
): TrainBenchmark {
  setPrecision(precision);
  const { config } = deriveArchitecture(
    {
      depth: size.layers,
      width: size.width,
      heads: size.heads,
      keyValueHeads: size.heads,
      intermediate: 0,
      context: size.context,
    },
    size.vocabulary,
  );
  const random = new Random(1);
  const model = new Llama(config, random);
  const optimizer = new AdamW(model.parameters, { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1 });
  const rows = size.batch * size.context;
  const step = () => {
    const ids = Int32Array.from({ length: rows }, () => random.integer(size.vocabulary));
    const targets = Int32Array.from({ length: rows }, () => random.integer(size.vocabulary));
    const start = performance.now();
    scope(() => {
      model.parameters.zeroGradients();
      const { loss } = model.loss(ids, targets, { batch: size.batch, length: size.context });
      backward(loss);
      optimizer.step(3e-4, 1);
    });
    return performance.now() - start;
  };
  repeat(step, warmUp);
  const milliseconds = repeat(step, timed);
  const median = milliseconds.sort((a, b) => a - b)[Math.floor(milliseconds.length / 2)]!;
  const tokensPerSecond = (rows / median) * 1000;
  const parameters = model.parameters.count;
  const flopsPerToken = 6 * parameters + 6 * size.layers * size.context * size.width;
  const gflops = (tokensPerSecond * flopsPerToken) / 1e9;
  const peakGflops = measurePeak()[precision];
  return {
    tokensPerSecond,
    gflops,
    peakGflops,
    shareOfPeak: gflops / peakGflops,
    millisecondsPerStep: median,
    memoryMB: process.resourceUsage().maxRSS / 1024,
    parameters,
    precision,
    threads: threads(),
    cpu: cpuFeatures(),
  };
}

/** What `measure` returned until there are enough of them and enough time has passed. */
function repeat(measure: () => number, { steps, seconds }: { steps: number; seconds: number }): number[] {
  const results: number[] = [];
  const start = performance.now();
  while (results.length < steps || performance.now() - start < seconds * 1000) results.push(measure());
  return results;
}
