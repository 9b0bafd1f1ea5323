/**
 * Training windows over one long run of tokens: every epoch cuts the text anew at a random phase, into windows that
 * do not overlap, and visits them in a random order. Unlike drawing starts at random, no token is left out of an
 * epoch.
 */
import { randomOfEpoch, ShuffledOrder } from './shuffled-order.ts';

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
  private readonly order: ShuffledOrder;

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
    // A phase of up to length - 1 tokens is skipped, and the last target needs one token more.
    this.perEpoch = Math.max(1, Math.floor((tokens.length - length) / length));
    this.order = new ShuffledOrder(this.perEpoch, seed);
  }

  /** Windows number `first` to `first + count - 1` of the run, counted over all epochs. */
  batch(first: number, count: number): Windows {
    const ids = new Int32Array(count * this.length);
    const targets = new Int32Array(count * this.length);
    for (const [row, window] of this.order.slice(first, count).entries()) {
      const start = this.phaseOf(Math.floor((first + row) / this.perEpoch)) + window * this.length;
      for (let t = 0; t < this.length; t++) {
        ids[row * this.length + t] = this.tokens[start + t]!;
        targets[row * this.length + t] = this.tokens[start + t + 1]!;
      }
    }
    return { ids, targets };
  }

  private phaseOf(epoch: number): number {
    const room = this.tokens.length - this.perEpoch * this.length;
    return randomOfEpoch(-1 - this.seed, epoch).integer(Math.min(this.length, room));
  }
}
