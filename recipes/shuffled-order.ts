import { Random } from '@parley/engine';

/** A large odd stride keeps the random streams of neighbouring seeds and epochs apart. */
export const randomOfEpoch = (seed: number, epoch: number): Random => new Random(seed + epoch * 1_000_003);

/**
 * `count` things in a random order, epoch after epoch, each in a new order. What comes when is a function of the
 * seed and its number, so there is no state to save.
 */
export class ShuffledOrder {
  private readonly count: number;
  private readonly seed: number;
  private epoch = -1;
  private order: Int32Array = new Int32Array(0);

  constructor(count: number, seed: number) {
    this.count = count;
    this.seed = seed;
  }

  /** Number `first` to `first + length - 1` of the endless sequence. */
  slice(first: number, length: number): number[] {
    return Array.from({ length }, (_, index) => this.at(first + index));
  }

  private at(number: number): number {
    const epoch = Math.floor(number / this.count);
    if (epoch !== this.epoch) {
      this.order = permutation(this.count, randomOfEpoch(this.seed, epoch));
      this.epoch = epoch;
    }
    return this.order[number % this.count]!;
  }
}

/** 0 … count-1 in random order (Fisher and Yates). */
function permutation(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
