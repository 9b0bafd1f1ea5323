/**
 * Draws tokens from logits, all rows of a batch in one native call (kernels/sampling.cc says how), into arrays that
 * are reused from step to step: a token leaves nothing to the garbage collector.
 */
import { native } from '../native/addon.ts';
import type { Tensor } from '../tensor.ts';

/** In the order in which they apply: penalty, temperature, then top-k, top-p and min-p. */
export interface SamplingSettings {
  /** Divides the logits; 0 takes the most likely token, the lowest id of equals. */
  readonly temperature: number;
  /** Keeps this many of the most likely tokens; 0 keeps all. */
  readonly topK: number;
  /** Keeps the fewest of the most likely tokens whose probabilities reach this sum, in (0, 1]. */
  readonly topP: number;
  /** Drops tokens less likely than this share of the most likely one, in [0, 1]. */
  readonly minP: number;
  /** At least 1: positive logits of tokens in the history are divided by it, negative ones multiplied. */
  readonly repetitionPenalty: number;
}

export class TokenSampler {
  readonly vocabulary: number;
  readonly rows: number;
  /** What was drawn, by row. */
  readonly ids: Int32Array;
  /** log-probabilities of the drawn tokens under the model itself (temperature 1, nothing cut), where asked for. */
  readonly scores: Float64Array;
  readonly #settings: Float64Array;
  readonly #histories: Int32Array;
  readonly #uniforms: Float64Array;
  readonly #alternatives: Int32Array;
  #mostAlternatives = 0;
  #bestIds = new Int32Array(0);
  #bestScores = new Float64Array(0);

  /**
   * @param vocabulary ids from here on are never drawn, though there may be logits for them
   * @param rows the most that one call can draw
   */
  constructor(vocabulary: number, rows: number) {
    this.vocabulary = vocabulary;
    this.rows = rows;
    this.ids = new Int32Array(rows);
    this.scores = new Float64Array(rows);
    this.#settings = new Float64Array(rows * 5);
    this.#histories = new Int32Array(rows * 2);
    this.#uniforms = new Float64Array(rows);
    this.#alternatives = new Int32Array(rows);
  }

  /**
   * Says how a row of the next call is drawn.
   *
   * @param uniform the chance, in [0, 1)
   * @param from the row's tokens so far, for the penalty, are history[from] to history[to - 1]
   * @param alternatives how many of the most likely tokens to score beside the drawn one; -1 scores nothing
   */
  prepare(
    row: number,
    settings: SamplingSettings,
    uniform: number,
    from: number,
    to: number,
    alternatives: number,
  ): void {
    this.#settings[row * 5] = settings.temperature;
    this.#settings[row * 5 + 1] = settings.topK;
    this.#settings[row * 5 + 2] = settings.topP;
    this.#settings[row * 5 + 3] = settings.minP;
    this.#settings[row * 5 + 4] = settings.repetitionPenalty;
    this.#histories[row * 2] = from;
    this.#histories[row * 2 + 1] = to;
    this.#uniforms[row] = uniform;
    this.#alternatives[row] = Math.min(alternatives, this.vocabulary);
    if (this.#alternatives[row]! > this.#mostAlternatives) {
      this.#mostAlternatives = this.#alternatives[row]!;
      this.#bestIds = new Int32Array(this.rows * this.#mostAlternatives);
      this.#bestScores = new Float64Array(this.rows * this.#mostAlternatives);
    }
  }

  /**
   * Draws one token for each row of logits [N, at least `vocabulary`], as prepared.
   * @throws RangeError when a row's logits are not finite
   */
  sample(logits: Tensor, history: Int32Array): void {
    const rows = logits.shape[0]!;
    native().sampleTokens(
      logits.data,
      rows,
      this.vocabulary,
      this.#settings,
      history,
      this.#histories,
      this.#uniforms,
      this.#alternatives,
      this.#mostAlternatives,
      this.ids,
      this.scores,
      this.#bestIds,
      this.#bestScores,
    );
    for (let row = 0; row < rows; row++) {
      if (this.ids[row]! >= 0) continue;
      const largest = logits.data
        .subarray(row * logits.shape[1]!, row * logits.shape[1]! + this.vocabulary)
        .reduce((most, value) => (value > most || Number.isNaN(value) ? value : most), Number.NEGATIVE_INFINITY);
      throw new RangeError(
        `The model's logits are not finite (largest: ${largest}); its weights are damaged or it diverged in training.`,
      );
    }
  }

  /** The most likely tokens of a row, best first, as many as were asked for. */
  alternatives(row: number): { id: number; logProbability: number }[] {
    return Array.from({ length: Math.max(this.#alternatives[row]!, 0) }, (_, index) => {
      const place = row * this.#mostAlternatives + index;
      return { id: this.#bestIds[place]!, logProbability: this.#bestScores[place]! };
    });
  }
}
