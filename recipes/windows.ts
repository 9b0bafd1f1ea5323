/**
 * Training windows over one long run of tokens: every epoch cuts the text anew at a random phase, into windows that
 * do not overlap, and visits them in a random order. Unlike drawing starts at random, no token is left out of an
 * epoch. Which window comes when is a function of the seed and its number, so there is no state to save.
 */
import { Random } from '@parley/engine';

export interface Windows {
  /** [count × length] token ids, window after window. */
  ids: Int32Array;
  /** The token after each of them. */
  targets: Int32Array;
}

export class ShuffledWindows {
  private readonly tokens: ArrayLike<number>;
  private readonly length: number;
  private readonly seed: number;
  private readonly perEpoch: number;
  private epoch = -1;
  private phase = 0;
  private order: Int32Array = new Int32Array(0);

  /**
   * @param tokens the training part
   * @param length tokens per window
   * @throws RangeError if there are not enough tokens for one window
   */
  constructor(tokens: ArrayLike<number>, length: number, seed: number) {
    if (tokens.length < length + 1) {
      throw new RangeError(
        `the training part has ${tokens.length} tokens, a context of ${length} needs ${length + 1}; shorten --context or add text`,
      );
    }
    this.tokens = tokens;
    this.length = length;
    this.seed = seed;
    // A phase of up to length-1 tokens is skipped, and the last target needs one token more.
    this.perEpoch = Math.max(1, Math.floor((tokens.length - length) / length));
  }

  /** Windows number `first` to `first + count - 1` of the run, counted over all epochs. */
  batch(first: number, count: number): Windows {
    const ids = new Int32Array(count * this.length);
    const targets = new Int32Array(count * this.length);
    for (let i = 0; i < count; i++) {
      const start = this.startOf(first + i);
      for (let t = 0; t < this.length; t++) {
        ids[i * this.length + t] = this.tokens[start + t]!;
        targets[i * this.length + t] = this.tokens[start + t + 1]!;
      }
    }
    return { ids, targets };
  }

  private startOf(number: number): number {
    const epoch = Math.floor(number / this.perEpoch);
    if (epoch !== this.epoch) this.shuffle(epoch);
    return this.phase + this.order[number % this.perEpoch]! * this.length;
  }

  private shuffle(epoch: number): void {
    // A large odd stride keeps the streams of neighbouring seeds and epochs apart.
    const random = new Random(this.seed + epoch * 1_000_003);
    const room = this.tokens.length - this.perEpoch * this.length;
    this.phase = random.integer(Math.min(this.length, room));
    this.order = shuffled(this.perEpoch, random);
    this.epoch = epoch;
  }
}

/** 0 … count-1 in random order (Fisher and Yates). */
export function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
