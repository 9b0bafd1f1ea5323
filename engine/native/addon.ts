// The native kernels as TypeScript sees them. Loaded on first use; build.ts makes the file.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { BytePairHandle, BytePairKernels } from './byte-pair-kernels.ts';
import type { OperationKernels } from './operation-kernels.ts';

export type { BytePairHandle };

/** How operands enter matrix products; sums are f32 either way. */
export type Precision = 'bf16' | 'f32';

/** How a weight is stored for generation: see ParameterSet.pack. */
export type WeightFormat = Precision | 'int8';

declare const packedWeight: unique symbol;

/** A handle that packWeight made. */
export interface PackedWeight {
  readonly [packedWeight]: true;
}

declare const recordedCalls: unique symbol;

/** A handle that stopRecording made. */
export interface RecordedCalls {
  readonly [recordedCalls]: true;
}

/**
 * All arrays are row-major. A kernel checks every length and throws an Error that names itself and the argument.
 */
export interface Native extends OperationKernels, BytePairKernels {
  // addon.cc: the run time
  threads(): number;
  setThreads(count: number): void;
  precision(): Precision;
  setPrecision(name: Precision): void;
  /** The kernel family in use: portable, avx2, avx512 or avx512bf16. */
  cpuFeatures(): string;
  /** Fresh zeroed memory, aligned to 2 MiB, on large pages; given back when it is garbage-collected. */
  reserveBlock(bytes: number): ArrayBuffer;
  /** How often memory was reserved so far, for blocks and for the scratch of kernels. */
  reservations(): number;

  // recording.cc
  /** From now on this thread's calls of kernels are recorded too; those that return something throw an Error. */
  startRecording(): void;
  /** The calls since then, which keep their arguments from being collected. */
  stopRecording(): RecordedCalls;
  /** Makes them again, with the same arrays, numbers and strings. */
  replay(calls: RecordedCalls): void;

  // kernels/gemm.cc; operands are rounded to bfloat16 first if precision() is 'bf16', and x and dy may be so already
  /** y[rows, outputs] = x[rows, inputs] · weight[outputs, inputs]ᵀ (+ residual[rows, outputs]); a bfloat16 y has none */
  productForward(
    x: Float32Array | Uint16Array,
    weight: Float32Array,
    residual: Float32Array | null,
    y: Float32Array | Uint16Array,
    rows: number,
    inputs: number,
    outputs: number,
  ): void;
  /** dx[rows, inputs] = or, with add, += dy[rows, outputs] · weight[outputs, inputs]; adds to a float32 dx only */
  productInputGradient(
    dy: Float32Array | Uint16Array,
    weight: Float32Array,
    dx: Float32Array | Uint16Array,
    add: boolean,
    rows: number,
    inputs: number,
    outputs: number,
  ): void;
  /** dWeight[outputs, inputs] = or, with add, += dy[rows, outputs]ᵀ · x[rows, inputs] */
  productWeightGradient(
    dy: Float32Array | Uint16Array,
    x: Float32Array | Uint16Array,
    dWeight: Float32Array,
    add: boolean,
    rows: number,
    inputs: number,
    outputs: number,
  ): void;
  /**
   * A copy of weight[outputs, inputs] in the layout of the kernel, for weights that do not change. For fewRows bf16 is
   * kept in 12 bits a number if nothing is lost by it, or in 16 where products take floats: at most eight rows are
   * faster then, more are slower.
   */
  packWeight(
    weight: Float32Array,
    format: WeightFormat,
    fewRows: boolean,
    inputs: number,
    outputs: number,
  ): PackedWeight;
  /** The same of gates[outputs, inputs] and then as many rows that they gate, for normalisedProductPacked. */
  packGatedWeight: Native['packWeight'];
  packedBytes(weight: PackedWeight): number;
  /**
   * productForward with such a copy: the same bits if it is in precision(). With an int8 copy each row of x is rounded
   * to 8 bits as well, and the residual must not be y.
   */
  productPacked(
    x: Float32Array | Uint16Array,
    weight: PackedWeight,
    residual: Float32Array | null,
    y: Float32Array,
    rows: number,
  ): void;
  /** productPacked of what rmsNormForward makes of x, and of a gated weight what swigluForward makes of that: the same bits. */
  normalisedProductPacked(
    x: Float32Array,
    gain: Float32Array,
    epsilon: number,
    weight: PackedWeight,
    y: Float32Array,
    rows: number,
  ): void;

  // kernels/peak.cc
  /** GFLOP/s of f32 multiply-adds on registers, all threads, best of as many bursts as fit into `seconds`. */
  measurePeakF32(seconds: number): number;
  /** The same of bf16 dot products; equal to the f32 figure where the processor has none. */
  measurePeakBf16(seconds: number): number;
  /** GB/s that all threads together read from main memory, best of as many passes as fit into `seconds`. */
  measureBandwidth(seconds: number): number;
}

let loaded: Native | undefined;

/** The addon; throws an Error that says how to build it if it is missing. */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const path = process.env.PARLEY_NATIVE ?? fileURLToPath(new URL('build/parley.node', import.meta.url));
  if (!existsSync(path)) {
    throw new Error(`The native kernels are not built (${path} is missing). Run: npm run build:native`);
  }
  try {
    return createRequire(import.meta.url)(path) as Native;
  } catch (error) {
    throw new Error(`The native kernels could not be loaded: ${(error as Error).message}`, { cause: error });
  }
}

/** Threads that kernels run on. Default: the processors that this process may use. */
export function threads(): number {
  return native().threads();
}

/** @param count 1 to 256. Results have the same bits for any number of threads. */
export function setThreads(count: number): void {
  native().setThreads(count);
}

/** Precision of matrix products, 'bf16' unless set. */
export function precision(): Precision {
  return native().precision();
}

export function setPrecision(name: Precision): void {
  native().setPrecision(name);
}

/** The kernel family in use: portable, avx2, avx512 or avx512bf16. PARLEY_CPU in the environment overrides it. */
export function cpuFeatures(): string {
  return native().cpuFeatures();
}

/** What this machine's arithmetic reaches at most now, GFLOP/s on all threads; takes about half a second. */
export function measurePeak(): Record<Precision, number> {
  return { bf16: native().measurePeakBf16(0.2), f32: native().measurePeakF32(0.2) };
}

/** GB/s (10⁹ bytes) that this machine reads from main memory now, on all threads; takes about half a second. */
export function measureBandwidth(): number {
  return native().measureBandwidth(0.3);
}
