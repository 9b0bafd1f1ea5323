import type { Random } from '../random.ts';
import type { Tensor } from '../tensor.ts';

/** Fills with independent normal values of mean 0 and the given standard deviation. */
export function fillNormal(tensor: Tensor, random: Random, standardDeviation: number): void {
  const values = tensor.data;
  for (let index = 0; index < values.length; index++) values[index] = random.normal() * standardDeviation;
}

/** Fills with one value: 1 for norm gains. */
export function fillConstant(tensor: Tensor, value: number): void {
  tensor.data.fill(value);
}
