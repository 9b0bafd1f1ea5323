/** What the operations' tests share: closeness, random leaves, and gradients by central differences. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { Random } from '../random.ts';
import { backward, inference, scope } from '../tape.ts';
import { elementCount, Tensor, tensor } from '../tensor.ts';
import { multiply, sum } from './elementwise.ts';

/** Every element within `tolerance` times the largest expected magnitude. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let index = 0; index < expected.length; index++) largest = Math.max(largest, Math.abs(expected[index]!));
  let worst = 0;
  let where = 0;
  for (let index = 0; index < expected.length; index++) {
    const error = Math.abs(actual[index]! - expected[index]!);
    if (!(error <= worst)) [worst, where] = [error, index];
  }
  const message = `element ${where}: ${actual[where]} against ${expected[where]}, largest magnitude ${largest}`;
  expect(worst, message).toBeLessThanOrEqual(tolerance * Math.max(largest, 1e-30));
}

/** A leaf with normal values, scaled. */
export function randomLeaf(random: Random, shape: readonly number[], scale = 1): Tensor {
  const leaf = tensor(
    Float32Array.from({ length: elementCount(shape) }, () => random.normal() * scale),
    shape,
  );
  leaf.requiresGradient = true;
  return leaf;
}

/** Gradients of sum(build(leaves) * upstream), by the tape. */
export function gradients(build: () => Tensor, leaves: readonly Tensor[], upstream: Tensor): Float32Array[] {
  for (const leaf of leaves) leaf.gradient = null;
  scope(() => backward(sum(multiply(build(), upstream))));
  return leaves.map((leaf) => leaf.gradient!);
}

/**
 * Compares the tape's gradient of every leaf with central differences of a random weighting of the outputs. Needs
 * setPrecision('f32'): rounding to bf16 has no derivative.
 */
export function expectGradients(build: () => Tensor, leaves: readonly Tensor[], tolerance = 3e-3): void {
  const random = new Random(99);
  const shape = inference(() => build().shape);
  const upstream = tensor(
    Float32Array.from({ length: elementCount(shape) }, () => random.normal()),
    shape,
  );
  const byTape = gradients(build, leaves, upstream);
  const weighted = (): number =>
    inference(() => build().data.reduce((total, value, index) => total + value * upstream.data[index]!, 0));
  leaves.forEach((leaf, which) => {
    const byDifference = leaf.data.map((value, index) => {
      const step = 1e-2;
      leaf.data[index] = value + step;
      const above = weighted();
      leaf.data[index] = value - step;
      const below = weighted();
      leaf.data[index] = value;
      return (above - below) / (2 * step);
    });
    expectClose(byTape[which]!, byDifference, tolerance);
  });
}

/** A matrix or vector of a golden file, flat. */
export function flat(nested: unknown): Float32Array {
  return Float32Array.from((nested as number[]).flat(Number.POSITIVE_INFINITY) as number[]);
}

/** A golden value as a leaf. */
export function goldenLeaf(nested: unknown): Tensor {
  const shape: number[] = [];
  for (let level = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  const leaf = tensor(flat(nested), shape);
  leaf.requiresGradient = true;
  return leaf;
}

/** The values that make-goldens.py wrote. */
export function golden(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`${path}.golden.json`, import.meta.url), 'utf8'));
}

/** The bfloat16 number nearest to a value, ties to even, as its 16 bits. */
export function toBf16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** Random numbers as bfloat16, and the same numbers in float32. */
export function roundedNumbers(random: Random, count: number): [stored: Uint16Array, widened: Float32Array] {
  const [stored, widened] = roundedLeaves(random, [count]);
  return [stored.stored as Uint16Array, widened.data];
}

/** A leaf stored as bfloat16, and one with the same values in float32. */
export function roundedLeaves(random: Random, shape: readonly number[]): [stored: Tensor, widened: Tensor] {
  const stored = Uint16Array.from(randomLeaf(random, shape).data, toBf16);
  const leaf = new Tensor(stored, shape, true, null);
  const widened = tensor(leaf.data.slice(), shape);
  widened.requiresGradient = true;
  return [leaf, widened];
}
