/**
 * Generation with continuous batching.
 *
 * Every request owns one slot of the key/value cache while it runs. Requests join and leave between steps; a step is
 * one forward pass over rows of all running requests:
 *
 *     request A  … x x x x ▸        1 row: its newest token (decoding)
 *     request B  … x x ▸            1 row
 *     request C  x x x x x x ▸      its prompt, as many rows as the step's budget leaves (prefill in chunks)
 *
 * A request simply has tokens that are not in its cache yet. When a step brings the last of them in, the logits of
 * that row give the next token, which is again a token not in the cache: prefill and decoding are one rule. Short
 * steps keep the answers that are under way flowing while a long prompt is read (Agrawal et al. 2023, Sarathi).
 *
 * Row i of a step has the same bits whatever the other rows are (the engine's promise), and each request draws from
 * its own random generator: an answer depends on prompt, sampling and seed, not on the company it is in. The same
 * property lets a slot that still holds a shared beginning, such as the earlier turns of a chat, be read from there
 * on instead of from the start; and answers to one prompt share its pages in the cache.
 *
 * Tokens lie in one array, a row for each slot, and a step's arrays are reused by the next: a token makes objects only
 * where a caller asked for them.
 *
 * Between steps the loop yields to the event loop, so sockets are served and an abort is seen within one token.
 */
import { setImmediate } from 'node:timers/promises';
import type { FinishReason, Sampling } from '@parley/contracts';
import {
  type CacheFormat,
  inference,
  KeyValueCache,
  Random,
  Replay,
  type Tensor,
  TokenSampler,
  tensor,
  type WeightFormat,
} from '@parley/engine';
import type { Llama } from '../models/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { AnswerText } from './answer-text.ts';
import { ContextLengthError } from './context-length-error.ts';
import { adjustLogits, type LogitAdjustments } from './logit-adjustments.ts';
import { scoreToken, type TokenScore } from './reading.ts';
import { Slots } from './slots.ts';

export interface GenerationRequest {
  /** Token ids, at least one, fewer than the context. */
  prompt: readonly number[];
  /**
   * How many of the prompt's last tokens are the answer so far, when it is to be continued: a character that they
   * leave unfinished is then completed. Default 0.
   */
  answered?: number;
  sampling: Sampling;
  /** Applied to the logits before the sampling; scores are those without it. */
  adjustments?: LogitAdjustments;
  /** Score each token under the model's own distribution. */
  logProbabilities?: boolean;
  /** With logProbabilities: how many of the most likely tokens to report beside the drawn one. */
  topLogProbabilities?: number;
  /** Called for each token of the answer, before the text that it releases. */
  onToken?: (token: { id: number; score: TokenScore | null }) => void;
  /** Called with text as it becomes certain; the pieces joined are the answer's text. */
  onText?: (delta: string) => void;
  /** Aborting ends the answer before the next token; what there is of it is returned. */
  signal?: AbortSignal;
}

export interface Generation {
  text: string;
  /** The answer's tokens, without the one that ended it. A stop string's tokens are among them, its text is not. */
  ids: number[];
  finishReason: FinishReason;
  promptTokens: number;
  /** With logProbabilities: one per id. */
  scores: TokenScore[];
  /** The special token by which the model ended the answer, with its score if asked for; null if it did not. */
  end: { id: number; score: TokenScore | null } | null;
  /** From joining the batch to the last token. */
  seconds: number;
  tokensPerSecond: number;
}

export interface GeneratorOptions {
  /** Requests that run at the same time; more wait. */
  slots: number;
  /** To use less than the model's context; the cache takes memory in proportion. */
  context?: number;
  /** How weights are stored: 'int8' is faster, at a small loss of quality. Default: the precision of products. */
  weights?: WeightFormat;
  /** How keys and values are stored: 'int8' takes half the memory of 'bf16'. Default: the precision of products. */
  cache?: CacheFormat;
}

/** A request at work: `length` tokens of prompt and answer, the first `cached` of them have keys and values. */
interface Run {
  readonly request: GenerationRequest;
  readonly random: Random;
  readonly answer: AnswerText;
  /** Whether text is wanted as it comes; else it is made at the end. */
  readonly streams: boolean;
  readonly scores: TokenScore[];
  readonly resolve: (generation: Generation) => void;
  readonly reject: (error: unknown) => void;
  slot: number;
  length: number;
  cached: number;
  startedAt: number;
}

/** Most rows of a step: this is how long a prompt can hold up the answers under way. */
const rowsPerStep = 256;
/** With at most so many slots, steps of few rows are what weights are laid out for. */
const fewSlots = 8;

export class Generator {
  readonly #model: Llama;
  readonly #tokenizer: Tokenizer;
  /** Longest prompt and answer together, in tokens. */
  readonly context: number;
  readonly #cache: KeyValueCache;
  readonly #weights: WeightFormat | undefined;
  readonly #sampler: TokenSampler;
  readonly #endTokens: ReadonlySet<number>;
  readonly #slots: Slots;
  readonly #queue: Run[] = [];
  #active: Run[] = [];
  /** The rows of a step: token, slot and position of each. */
  readonly #rowIds: Int32Array;
  readonly #rowSlots: Int32Array;
  readonly #rowPositions: Int32Array;
  #rows = emptyRows;
  /** Of a step, by row, where logits were adjusted: what undoes it, and the score of what was drawn. */
  readonly #undoAdjustment = new Map<number, () => void>();
  readonly #adjustedScores = new Map<number, TokenScore>();
  /** The requests that get a token in this step, and the row of each one's newest token. */
  readonly #ready: Run[] = [];
  readonly #readyRows: number[] = [];
  #readyCount = 0;
  /** Steps in which every row gives a token, as while no prompt is read, are alike. */
  readonly #decoding = new Replay();
  #looping = false;
  #promptTokens = 0;
  #reusedPromptTokens = 0;
  #generatedTokens = 0;

  /**
   * The model's weights must stay as they are while the generator lives: slots keep what they computed. After an
   * optimizer step, make a new one. Generators that share a model should agree on the format of weights, which is
   * changed for all of them.
   */
  constructor(model: Llama, tokenizer: Tokenizer, { slots, context, weights, cache }: GeneratorOptions) {
    const { config } = model;
    if (!Number.isInteger(slots) || slots < 1)
      throw new RangeError(`A generator needs at least one slot, not ${slots}.`);
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.context = Math.min(context ?? config.max_position_embeddings, config.max_position_embeddings);
    this.#cache = new KeyValueCache({
      layers: config.num_hidden_layers,
      slots,
      length: this.context,
      keyValueHeads: config.num_key_value_heads,
      headDim: config.head_dim,
      format: cache,
    });
    this.#weights = weights;
    // Rows of the embedding beyond the tokenizer's ids are padding and have no text.
    this.#sampler = new TokenSampler(Math.min(config.vocab_size, tokenizer.vocabulary), slots);
    this.#endTokens = new Set([...Object.values(tokenizer.special), ...[config.eos_token_id ?? []].flat()]);
    this.#slots = new Slots(slots, this.context, this.#cache);
    const mostRows = Math.max(rowsPerStep, slots + 1);
    this.#rowIds = new Int32Array(mostRows);
    this.#rowSlots = new Int32Array(mostRows);
    this.#rowPositions = new Int32Array(mostRows);
  }

  /** For health pages and metrics: the batch now, and counts since the start. */
  stats(): {
    slots: number;
    active: number;
    queued: number;
    promptTokens: number;
    reusedPromptTokens: number;
    generatedTokens: number;
  } {
    return {
      slots: this.#slots.count,
      active: this.#active.length,
      queued: this.#queue.length,
      promptTokens: this.#promptTokens,
      reusedPromptTokens: this.#reusedPromptTokens,
      generatedTokens: this.#generatedTokens,
    };
  }

  /**
   * Answers one request; many may be under way. An aborted one resolves with finishReason 'cancelled'.
   * @throws ContextLengthError, RangeError for an empty prompt or an id outside the vocabulary, or what a callback threw
   */
  generate(request: GenerationRequest): Promise<Generation> {
    return new Promise((resolve, reject) => {
      this.#check(request.prompt);
      const run: Run = {
        request,
        random: new Random(request.sampling.seed),
        answer: new AnswerText(this.#tokenizer, request.sampling.stop),
        streams: request.onText !== undefined || request.sampling.stop.length > 0,
        scores: [],
        resolve,
        reject,
        slot: -1,
        length: request.prompt.length,
        cached: 0,
        startedAt: performance.now(),
      };
      run.answer.goOnFrom(request.prompt.slice(request.prompt.length - (request.answered ?? 0)));
      this.#queue.push(run);
      if (!this.#looping) void this.#loop();
    });
  }

  /** What the first step does, for whoever computes with the model before; repeated only after an optimizer step. */
  layOutWeights(): void {
    this.#model.parameters.pack(this.#weights, this.#slots.count <= fewSlots);
  }

  #check(prompt: readonly number[]): void {
    if (prompt.length === 0) throw new RangeError('The prompt is empty; give at least one token.');
    if (prompt.length >= this.context) throw new ContextLengthError(this.context, prompt.length, 'the prompt');
    const bad = prompt.find((id) => !Number.isInteger(id) || id < 0 || id >= this.#model.config.vocab_size);
    if (bad !== undefined) {
      throw new RangeError(
        `The prompt holds token ${bad}, but the model's vocabulary ends at ${this.#model.config.vocab_size - 1}; encode it with the model's own tokenizer.`,
      );
    }
  }

  async #loop(): Promise<void> {
    this.#looping = true;
    for (;;) {
      // Also before the first step: requests made in one go start in one batch, and callers get their promise first.
      await setImmediate();
      this.#leaveCancelled();
      this.#admit();
      if (this.#active.length === 0) break;
      try {
        this.#step();
      } catch (error) {
        // The forward pass failed: what the slots hold is unknown.
        for (const run of [...this.#active]) {
          this.#release(run);
          this.#slots.hold(run.slot, 0);
          run.reject(error);
        }
      }
    }
    this.#looping = false;
  }

  #leaveCancelled(): void {
    for (const run of this.#active.filter(({ request }) => request.signal?.aborted)) this.#finish(run, 'cancelled');
    for (const run of this.#queue.filter(({ request }) => request.signal?.aborted)) {
      this.#queue.splice(this.#queue.indexOf(run), 1);
      this.#finish(run, 'cancelled');
    }
  }

  #admit(): void {
    while (this.#slots.hasFree && this.#queue.length > 0) {
      const run = this.#queue.shift()!;
      run.startedAt = performance.now();
      const { slot, held } = this.#slots.take(run.request.prompt);
      run.slot = slot;
      run.cached = held;
      this.#active.push(run);
      this.#promptTokens += run.length;
      this.#reusedPromptTokens += run.cached;
    }
  }

  /** One forward pass; then each request whose tokens are all in the cache gets its next one. */
  #step(): void {
    const rows = this.#fillRows();
    this.layOutWeights();
    this.#cache.open(rows.slots, rows.positions);
    inference(() => {
      const logits = this.#logitsOf(rows);
      if (logits !== null) this.#draw(logits);
    });
    for (let index = 0; index < this.#ready.length; index++) this.#accept(this.#ready[index]!, index);
  }

  /** A row for each request that is ready, null if none is. */
  #logitsOf(rows: Rows): Tensor | null {
    if (this.#ready.length === rows.ids.length) {
      const { layout } = this.#model.parameters;
      return this.#decoding.run(rows, layout, () => this.#model.logits(this.#hiddenOf(rows)));
    }
    const hidden = this.#hiddenOf(rows);
    return this.#ready.length === 0 ? null : this.#model.logits(takeRows(hidden, this.#readyRows));
  }

  #hiddenOf({ ids, slots, positions }: Rows): Tensor {
    return this.#model.forwardCached(ids, this.#cache, slots, positions);
  }

  /** Decoding requests go first with their one row each; prompts share what is left of the budget, oldest first. */
  #fillRows(): Rows {
    this.#readyCount = 0;
    let rows = 0;
    for (const run of this.#active) if (run.length - run.cached === 1) rows = this.#addRows(run, 1, rows);
    let budget = Math.max(rowsPerStep - rows, 1);
    for (const run of this.#active) {
      const count = Math.min(run.length - run.cached, budget);
      if (count === 0) continue;
      rows = this.#addRows(run, count, rows);
      budget -= count;
    }
    // Cut to length in the end: emptied first, the arrays would take memory again in every step.
    this.#ready.length = this.#readyCount;
    this.#readyRows.length = this.#readyCount;
    if (this.#rows.ids.length !== rows) {
      this.#rows = {
        ids: this.#rowIds.subarray(0, rows),
        slots: this.#rowSlots.subarray(0, rows),
        positions: this.#rowPositions.subarray(0, rows),
      };
    }
    return this.#rows;
  }

  /** Adds the next `count` tokens of a request that are not cached yet; returns the number of rows then. */
  #addRows(run: Run, count: number, rows: number): number {
    const start = this.#slots.startOf(run.slot);
    for (let row = rows; row < rows + count; row++, run.cached++) {
      this.#rowIds[row] = this.#slots.tokens[start + run.cached]!;
      this.#rowSlots[row] = run.slot;
      this.#rowPositions[row] = run.cached;
    }
    this.#slots.hold(run.slot, run.cached);
    if (run.cached === run.length) {
      this.#ready[this.#readyCount] = run;
      this.#readyRows[this.#readyCount++] = rows + count - 1;
    }
    return rows + count;
  }

  #draw(logits: Tensor): void {
    this.#adjust(logits);
    for (let row = 0; row < this.#ready.length; row++) {
      const { request, random, slot, length } = this.#ready[row]!;
      const { sampling, logProbabilities, topLogProbabilities } = request;
      const chance = sampling.temperature === 0 ? 0 : random.next();
      const start = this.#slots.startOf(slot);
      const alternatives = logProbabilities ? (topLogProbabilities ?? 0) : -1;
      this.#sampler.prepare(row, sampling, chance, start, start + length, alternatives);
    }
    this.#sampler.sample(logits, this.#slots.tokens);
    if (this.#undoAdjustment.size > 0) this.#scoreAdjusted(logits);
  }

  #adjust(logits: Tensor): void {
    this.#undoAdjustment.clear();
    this.#adjustedScores.clear();
    for (let row = 0; row < this.#ready.length; row++) {
      const run = this.#ready[row]!;
      const { adjustments } = run.request;
      if (!adjustments) continue;
      this.#undoAdjustment.set(row, adjustLogits(this.#rowOf(logits, row), adjustments, this.#answerOf(run)));
    }
  }

  /** Scores are the model's own: those of adjusted rows are made again from the logits as they were. */
  #scoreAdjusted(logits: Tensor): void {
    for (const [row, undo] of this.#undoAdjustment) {
      const { logProbabilities, topLogProbabilities = 0 } = this.#ready[row]!.request;
      if (!logProbabilities) continue;
      undo();
      const score = scoreToken(this.#rowOf(logits, row), this.#sampler.ids[row]!, topLogProbabilities);
      this.#adjustedScores.set(row, score);
    }
  }

  /** The tokens of the answer so far, those that it goes on from included. */
  #answerOf({ request, slot, length }: Run): Int32Array {
    const start = this.#slots.startOf(slot);
    return this.#slots.tokens.subarray(start + request.prompt.length - (request.answered ?? 0), start + length);
  }

  #rowOf(logits: Tensor, row: number): Float32Array {
    const start = row * logits.shape[1]!;
    return logits.data.subarray(start, start + this.#sampler.vocabulary);
  }

  #scoreOf(row: number): TokenScore {
    const adjusted = this.#adjustedScores.get(row);
    if (adjusted) return adjusted;
    return {
      id: this.#sampler.ids[row]!,
      logProbability: this.#sampler.scores[row]!,
      alternatives: this.#sampler.alternatives(row),
    };
  }

  /** Takes the token that was drawn in a row. */
  #accept(run: Run, row: number): void {
    const { request, answer } = run;
    const id = this.#sampler.ids[row]!;
    const score = request.logProbabilities ? this.#scoreOf(row) : null;
    try {
      if (this.#endTokens.has(id)) {
        this.#finish(run, 'stop', { id, score });
        return;
      }
      this.#slots.tokens[this.#slots.startOf(run.slot) + run.length++] = id;
      this.#generatedTokens++;
      if (score) run.scores.push(score);
      if (request.onToken) request.onToken({ id, score });
      if (run.streams) {
        const delta = answer.push(id);
        if (delta !== '') request.onText?.(delta);
      }
      const made = run.length - request.prompt.length;
      if (answer.stopped) this.#finish(run, 'stop');
      else if (made >= request.sampling.maxTokens || run.length >= this.context) this.#finish(run, 'length');
    } catch (error) {
      this.#release(run);
      run.reject(error);
    }
  }

  #finish(run: Run, finishReason: FinishReason, end: Generation['end'] = null): void {
    const { request, answer, scores, startedAt } = run;
    const ids = this.#answerIds(run);
    this.#release(run);
    try {
      if (!run.streams) for (const id of ids) answer.push(id);
      const rest = answer.end(end !== null);
      if (rest !== '') request.onText?.(rest);
    } catch (error) {
      run.reject(error);
      return;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    run.resolve({
      text: answer.text,
      ids,
      finishReason,
      promptTokens: request.prompt.length,
      scores,
      end,
      seconds,
      tokensPerSecond: ids.length / Math.max(seconds, 1e-9),
    });
  }

  #answerIds({ request, slot, length }: Run): number[] {
    if (slot === -1) return []; // never left the queue
    const start = this.#slots.startOf(slot);
    return Array.from(this.#slots.tokens.subarray(start + request.prompt.length, start + length));
  }

  #release(run: Run): void {
    if (!this.#active.includes(run)) return;
    this.#active = this.#active.filter((other) => other !== run);
    this.#slots.release(run.slot);
  }
}

interface Rows {
  readonly ids: Int32Array;
  readonly slots: Int32Array;
  readonly positions: Int32Array;
}

const emptyRows: Rows = { ids: new Int32Array(0), slots: new Int32Array(0), positions: new Int32Array(0) };

function takeRows(matrix: Tensor, rows: readonly number[]): Tensor {
  const width = matrix.shape[1]!;
  const taken = new Float32Array(rows.length * width);
  for (const [to, from] of rows.entries())
    taken.set(matrix.data.subarray(from * width, (from + 1) * width), to * width);
  return tensor(taken, [rows.length, width]);
}
