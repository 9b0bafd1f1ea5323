/**
 * A pseudo-random generator whose whole state can be saved: the same seed gives the same bits, and a resumed
 * run goes on where the interrupted one stopped.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), seeded
 * through splitmix32 so that neighbouring seeds give unrelated streams.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed a whole number; its low 53 bits count */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) {
      throw new RangeError(`Random: the seed must be a whole number below 2^53, not ${seed}.`);
    }
    let mixer = seed >>> 0;
    const high = Math.floor(seed / 2 ** 32) >>> 0;
    const nextWord = (): number => {
      mixer = (mixer + 0x9e3779b9) >>> 0;
      let word = mixer ^ high;
      word = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
      return (word ^ (word >>> 15)) >>> 0;
    };
    this.#a = nextWord();
    this.#b = nextWord();
    this.#c = nextWord();
    this.#d = nextWord();
  }

  /** 32 uniform bits, as a number in [0, 2^32). */
  #word(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  next(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A whole number, uniform in [0, n). */
  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new RangeError(`Random.integer: the bound must be a whole number of at least 1, not ${n}.`);
    }
    return Math.floor(this.next() * n);
  }

  /** Standard normal, by the cosine half of Box-Muller: no value is held back, so the state is the generator's alone. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** The state as 32 hexadecimal digits; `Random.restore` goes on from it. */
  state(): string {
    return [this.#a, this.#b, this.#c, this.#d].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  static restore(state: string): Random {
    if (!/^[0-9a-f]{32}$/.test(state) || /^0+$/.test(state)) {
      throw new RangeError(`Random.restore: expected 32 hexadecimal digits, not all zero, but got '${state}'.`);
    }
    const random = new Random(0);
    random.#a = Number.parseInt(state.slice(0, 8), 16);
    random.#b = Number.parseInt(state.slice(8, 16), 16);
    random.#c = Number.parseInt(state.slice(16, 24), 16);
    random.#d = Number.parseInt(state.slice(24, 32), 16);
    return random;
  }
}
