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
 * on instead of from the start.
 *
 * Between steps the loop yields to the event loop, so sockets are served and an abort is seen within one token.
 */
import { setImmediate } from 'node:timers/promises';
import type { FinishReason, Sampling } from '@parley/contracts';
import { inference, KeyValueCache, Random, type Tensor, tensor } from '@parley/engine';
import type { Llama } from '../models/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { AnswerText } from './answer-text.ts';
import { ContextLengthError } from './context-length-error.ts';
import { Sampler, scoreToken, type TokenScore } from './sampler.ts';

export interface GenerationRequest {
  /** Token ids, at least one, fewer than the context. */
  prompt: readonly number[];
  /**
   * How many of the prompt's last tokens are the answer so far, when it is to be continued: a character that they
   * leave unfinished is then completed. Default 0.
   */
  answered?: number;
  sampling: Sampling;
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

/** A request at work: `tokens` are prompt and answer, the first `cached` of them have keys and values in `slot`. */
interface Run {
  readonly request: GenerationRequest;
  readonly tokens: number[];
  readonly seen: Set<number>;
  readonly random: Random;
  readonly answer: AnswerText;
  readonly scores: TokenScore[];
  readonly resolve: (generation: Generation) => void;
  readonly reject: (error: unknown) => void;
  slot: number;
  cached: number;
  startedAt: number;
}

/** Most rows of a step: this is how long a prompt can hold up the answers under way. */
const rowsPerStep = 256;
/** A shared beginning shorter than this is read again rather than copied from a slot in use. */
const shortestCopy = 32;

export class Generator {
  readonly #model: Llama;
  readonly #tokenizer: Tokenizer;
  /** Longest prompt and answer together, in tokens. */
  readonly context: number;
  readonly #cache: KeyValueCache;
  readonly #sampler: Sampler;
  readonly #endTokens: ReadonlySet<number>;
  /** What each slot holds keys and values of, also after its request has left. */
  readonly #held: number[][];
  readonly #free: number[];
  readonly #queue: Run[] = [];
  #active: Run[] = [];
  #looping = false;
  #promptTokens = 0;
  #reusedPromptTokens = 0;
  #generatedTokens = 0;

  /**
   * The model's weights must stay as they are while the generator lives: slots keep what they computed. After an
   * optimizer step, make a new one.
   *
   * @param options.slots requests that run at the same time; more wait
   * @param options.context to use less than the model's context; the cache takes memory in proportion
   */
  constructor(model: Llama, tokenizer: Tokenizer, { slots, context }: { slots: number; context?: number }) {
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
    });
    // Rows of the embedding beyond the tokenizer's ids are padding and have no text.
    this.#sampler = new Sampler(Math.min(config.vocab_size, tokenizer.vocabulary));
    this.#endTokens = new Set([...Object.values(tokenizer.special), ...[config.eos_token_id ?? []].flat()]);
    this.#held = Array.from({ length: slots }, () => []);
    this.#free = Array.from({ length: slots }, (_, slot) => slot);
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
      slots: this.#held.length,
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
        tokens: [...request.prompt],
        seen: new Set(request.prompt),
        random: new Random(request.sampling.seed),
        answer: new AnswerText(this.#tokenizer, request.sampling.stop),
        scores: [],
        resolve,
        reject,
        slot: -1,
        cached: 0,
        startedAt: performance.now(),
      };
      run.answer.goOnFrom(request.prompt.slice(request.prompt.length - (request.answered ?? 0)));
      this.#queue.push(run);
      if (!this.#looping) void this.#loop();
    });
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
          this.#held[run.slot] = [];
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
    while (this.#free.length > 0 && this.#queue.length > 0) {
      const run = this.#queue.shift()!;
      run.startedAt = performance.now();
      this.#takeSlot(run);
      this.#active.push(run);
      this.#promptTokens += run.tokens.length;
      this.#reusedPromptTokens += run.cached;
    }
  }

  /** Gives a request the free slot that holds the longest beginning of its prompt, or a copy of a slot in use. */
  #takeSlot(run: Run): void {
    // The last prompt token is always computed: its logits are needed.
    const shared = this.#held.map((held) => commonPrefix(held, run.tokens, run.tokens.length - 1));
    const longest = (slots: number[]) => slots.reduce((best, slot) => (shared[slot]! > shared[best]! ? slot : best));
    // Slots that left longest ago come first, so equal ones give up the oldest content.
    let slot = longest(this.#free);
    const source = longest(shared.map((_, index) => index));
    if (shared[source]! >= shared[slot]! + shortestCopy) {
      slot = this.#free[0]!;
      this.#cache.copySlot(source, slot);
      shared[slot] = shared[source]!;
    }
    this.#free.splice(this.#free.indexOf(slot), 1);
    run.slot = slot;
    run.cached = shared[slot]!;
    this.#held[slot] = run.tokens.slice(0, run.cached);
  }

  /** One forward pass; then each request whose tokens are all in the cache gets its next one. */
  #step(): void {
    const parts = this.#plan();
    const rows = parts.reduce((sum, { count }) => sum + count, 0);
    const ids = new Int32Array(rows);
    const slots = new Int32Array(rows);
    const positions = new Int32Array(rows);
    const lastRows: number[] = [];
    const ready: Run[] = [];
    let row = 0;
    for (const { run, count } of parts) {
      for (let i = 0; i < count; i++, row++) {
        ids[row] = run.tokens[run.cached + i]!;
        slots[row] = run.slot;
        positions[row] = run.cached + i;
        this.#held[run.slot]!.push(ids[row]!);
      }
      run.cached += count;
      if (run.cached === run.tokens.length) {
        ready.push(run);
        lastRows.push(row - 1);
      }
    }
    this.#model.parameters.pack(); // repeated only after an optimizer step
    const drawn = inference(() => {
      const hidden = this.#model.forwardCached(ids, this.#cache, slots, positions);
      if (ready.length === 0) return [];
      const logits = this.#model.logits(takeRows(hidden, lastRows));
      return ready.map((run, index) => this.#drawToken(run, rowOf(logits, index)));
    });
    for (const [index, { id, score }] of drawn.entries()) this.#accept(ready[index]!, id, score);
  }

  /** Decoding requests go first with their one row each; prompts share what is left of the budget, oldest first. */
  #plan(): { run: Run; count: number }[] {
    const waiting = ({ tokens, cached }: Run) => tokens.length - cached;
    const decoding = this.#active.filter((run) => waiting(run) === 1);
    const parts = decoding.map((run) => ({ run, count: 1 }));
    let budget = Math.max(rowsPerStep - parts.length, 1);
    for (const run of this.#active) {
      const count = Math.min(waiting(run), budget);
      if (waiting(run) === 1 || count === 0) continue;
      parts.push({ run, count });
      budget -= count;
    }
    return parts;
  }

  #drawToken({ request, random, seen }: Run, row: Float32Array): { id: number; score: TokenScore | null } {
    const logits = row.subarray(0, this.#sampler.vocabulary);
    const id = this.#sampler.sample(logits, request.sampling, random, seen);
    return { id, score: request.logProbabilities ? scoreToken(logits, id, request.topLogProbabilities ?? 0) : null };
  }

  #accept(run: Run, id: number, score: TokenScore | null): void {
    const { request, tokens, answer } = run;
    try {
      if (this.#endTokens.has(id)) {
        this.#finish(run, 'stop', { id, score });
        return;
      }
      tokens.push(id);
      run.seen.add(id);
      this.#generatedTokens++;
      if (score) run.scores.push(score);
      request.onToken?.({ id, score });
      const delta = answer.push(id);
      if (delta !== '') request.onText?.(delta);
      const made = tokens.length - request.prompt.length;
      if (answer.stopped) this.#finish(run, 'stop');
      else if (made >= request.sampling.maxTokens || tokens.length >= this.context) this.#finish(run, 'length');
    } catch (error) {
      this.#release(run);
      run.reject(error);
    }
  }

  #finish(run: Run, finishReason: FinishReason, end: Generation['end'] = null): void {
    const { request, tokens, answer, scores, startedAt } = run;
    this.#release(run);
    try {
      const rest = answer.end(end !== null);
      if (rest !== '') request.onText?.(rest);
    } catch (error) {
      run.reject(error);
      return;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const ids = tokens.slice(request.prompt.length);
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

  #release(run: Run): void {
    if (!this.#active.includes(run)) return;
    this.#active = this.#active.filter((other) => other !== run);
    this.#free.push(run.slot);
  }
}

function commonPrefix(a: readonly number[], b: readonly number[], most: number): number {
  const end = Math.min(a.length, most);
  let length = 0;
  while (length < end && a[length] === b[length]) length++;
  return length;
}

function takeRows(matrix: Tensor, rows: number[]): Tensor {
  const [count = 0, width = 0] = matrix.shape;
  if (rows.length === count) return matrix;
  const taken = new Float32Array(rows.length * width);
  for (const [to, from] of rows.entries())
    taken.set(matrix.data.subarray(from * width, (from + 1) * width), to * width);
  return tensor(taken, [rows.length, width]);
}

function rowOf(matrix: Tensor, row: number): Float32Array {
  const width = matrix.shape[1]!;
  return matrix.data.subarray(row * width, (row + 1) * width);
}
