/**
 * Speed of the matrix products behind a linear layer, as training calls them: float32 in and out, operands packed on
 * the way, in either precision.
 *
 *     forward   y[m, n] = x[m, k] weight[n, k]ᵀ
 *     dX        dx[m, k] = dy[m, n] weight[n, k]
 *     dW        dweight[n, k] = dy[m, n]ᵀ x[m, k]
 *
 * A direction takes 2 m n k operations. Every case is measured once a round, beside the peak of the same round; what
 * counts is the median over rounds, of the speed and of the share.
 */
import { measurePeak, type Precision, setPrecision } from '@parley/engine';
import { native } from '@parley/engine/native';
import { spread } from './comparison.ts';

const directions = ['forward', 'dX', 'dW'] as const;
export type Direction = (typeof directions)[number];

/** m tokens through a layer from k inputs to n outputs. */
export interface ProductShape {
  m: number;
  n: number;
  k: number;
}

export interface MeasuredProduct extends ProductShape {
  direction: Direction;
  precision: Precision;
  gflops: number;
  shareOfPeak: number;
}

export interface GemmBenchmark {
  peakGflops: Record<Precision, number>;
  shapes: MeasuredProduct[];
}

/** The layers of a model (q/k/v, attention's output, gate/up, down, head) at a width, for 4096 tokens. */
function layers(width: number): ProductShape[] {
  const intermediate = (width * 8) / 3;
  const sizes = [
    [3 * width, width],
    [width, width],
    [2 * intermediate, width],
    [width, intermediate],
    [8192, width],
  ] as const;
  return sizes.map(([n, k]) => ({ m: 4096, n, k }));
}

/** The layers that training spends its time in. */
const layerShapes: readonly ProductShape[] = [...layers(384), ...layers(768)];

/** Shapes with a dimension in 1..64: few tokens, narrow layers, and sizes that fit no tile. */
export const smallShapes: readonly ProductShape[] = [
  [1, 384, 384],
  [1, 1536, 576],
  [2, 1024, 384],
  [5, 1152, 384],
  [8, 384, 1024],
  [16, 1152, 384],
  [32, 576, 1536],
  [33, 301, 517],
  [64, 384, 384],
  [64, 2048, 384],
  [64, 64, 64],
  [17, 31, 63],
  [48, 1000, 48],
  [128, 64, 128],
  [512, 16, 384],
  [4096, 64, 384],
  [4096, 384, 64],
  [1000, 33, 700],
  [1000, 700, 33],
  [4096, 8, 384],
  [4096, 384, 8],
  [2048, 1, 512],
].map(([m, n, k]) => ({ m: m!, n: n!, k: k! }));

interface Case {
  shape: ProductShape;
  direction: Direction;
  precision: Precision;
  speeds: number[];
  shares: number[];
}

const shortestSample = 5; // milliseconds

/** @param rounds samples of each case; about 10 seconds each for all shapes */
export function benchGemm(
  shapes: readonly ProductShape[] = [...layerShapes, ...smallShapes],
  precisions: readonly Precision[] = ['bf16', 'f32'],
  rounds = 5,
): GemmBenchmark {
  const cases: Case[] = shapes.flatMap((shape) =>
    directions.flatMap((direction) =>
      precisions.map((precision) => ({ shape, direction, precision, speeds: [], shares: [] })),
    ),
  );
  const peaks: Record<Precision, number[]> = { bf16: [], f32: [] };
  for (let round = 0; round < rounds; round++) {
    const peak = measurePeak();
    peaks.bf16.push(peak.bf16);
    peaks.f32.push(peak.f32);
    for (const { shape, direction, precision, speeds, shares } of cases) {
      setPrecision(precision);
      const speed = measure(shape, direction);
      speeds.push(speed);
      shares.push(speed / peak[precision]);
    }
  }
  return {
    peakGflops: { bf16: spread(peaks.bf16).median, f32: spread(peaks.f32).median },
    shapes: cases.map(({ shape, direction, precision, speeds, shares }) => ({
      ...shape,
      direction,
      precision,
      gflops: spread(speeds).median,
      shareOfPeak: spread(shares).median,
    })),
  };
}

/** GFLOP/s of one sample: after a call to warm up, as many as it takes to fill the shortest sample. */
function measure({ m, n, k }: ProductShape, direction: Direction): number {
  const [x, weight, y] = [operand(0, m * k), operand(1, n * k), operand(2, m * n)];
  const run = {
    forward: () => native().productForward(x, weight, null, y, m, k, n),
    dX: () => native().productInputGradient(y, weight, x, false, m, k, n),
    dW: () => native().productWeightGradient(y, x, weight, false, m, k, n),
  }[direction];
  run();
  let calls = 0;
  let elapsed = 0;
  const start = performance.now();
  for (let batch = 1; elapsed < shortestSample; batch *= 2) {
    for (let call = 0; call < batch; call++) run();
    calls += batch;
    elapsed = performance.now() - start;
  }
  return (calls * 2 * m * n * k) / elapsed / 1e6;
}

const memory: Float32Array[] = [];

/** The first `size` numbers of the memory that all cases share; results overwrite operands, so all stay small. */
function operand(index: number, size: number): Float32Array {
  const current = memory[index];
  if (current === undefined || current.length < size) {
    memory[index] = new Float32Array(native().reserveBlock(4 * size), 0, size);
  }
  return memory[index]!.subarray(0, size);
}
