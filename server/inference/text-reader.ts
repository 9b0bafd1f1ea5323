/** The worker's side of texts that are read as they are: completions of raw text, their scores, embeddings. */
import { setImmediate } from 'node:timers/promises';
import { ContextLengthError, embedText, type Generator, scoreText } from '@parley/lm/generate';
import type { Llama } from '@parley/lm/models';
import type { Tokenizer } from '@parley/lm/tokenizer';
import { bytesOf, logProbabilitiesOf } from './log-probabilities.ts';
import type { Accepted, Reading, TextJob } from './protocol.ts';

/** A token id that the model does not have. */
export class InvalidTokenError extends Error {
  override name = 'InvalidTokenError';
  readonly code: 'invalid_prompt' | 'invalid_logit_bias';

  constructor(code: InvalidTokenError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export class TextReader {
  readonly #model: Llama;
  readonly #tokenizer: Tokenizer;
  /** Of the same model: says how weights are laid out and how long a text may be. */
  readonly #generator: Generator;
  #last: Promise<unknown> = Promise.resolve();

  constructor(model: Llama, tokenizer: Tokenizer, generator: Generator) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#generator = generator;
  }

  /** @throws ContextLengthError, InvalidTokenError */
  async accept(job: TextJob, signal: AbortSignal): Promise<Accepted> {
    const promptTokens = this.#tokensOf(job.prompt, job.readSpecialTokens);
    this.checkTokens('invalid_prompt', promptTokens);
    const needed = promptTokens.length + (job.sampling ? 1 : 0);
    if (needed > this.#generator.context) throw new ContextLengthError(this.#generator.context, needed, 'the text');
    if (job.reading === null) return { promptTokens, droppedTurns: 0 };
    // One text between two steps of the generator, so that answers under way go on however many texts there are.
    const turn = this.#last.then(() => setImmediate());
    this.#last = turn;
    await turn;
    const reading = signal.aborted ? { tokens: [], embedding: [] } : this.#read(job, promptTokens);
    return { promptTokens, droppedTurns: 0, reading };
  }

  /**
   * @param code of the error for a token that there is not
   * @throws InvalidTokenError
   */
  checkTokens(code: InvalidTokenError['code'], ids: readonly number[]): void {
    const { vocabulary } = this.#tokenizer;
    const bad = ids.find((id) => id < 0 || id >= vocabulary);
    if (bad !== undefined) {
      throw new InvalidTokenError(code, `There is no token ${bad}: this model's last one is ${vocabulary - 1}.`);
    }
  }

  #tokensOf(prompt: string | number[], special: boolean): number[] {
    const ids = typeof prompt === 'string' ? this.#tokenizer.encode(prompt, { special }) : prompt;
    if (ids.length > 0) return ids;
    const beginning = this.#tokenizer.special['<|endoftext|>'];
    if (beginning !== undefined) return [beginning];
    throw new InvalidTokenError(
      'invalid_prompt',
      'The prompt is empty, and this model has no token that begins a document.',
    );
  }

  #read(job: TextJob, ids: readonly number[]): Reading {
    // The generator lays the weights out before its first step; a text may come before that.
    this.#generator.layOutWeights();
    if (job.reading === 'embedding') return { tokens: [], embedding: [...embedText(this.#model, ids)] };
    const tokens: Reading['tokens'] = ids.map((id) => ({ bytes: bytesOf(this.#tokenizer, id) }));
    if (job.reading === 'scores') {
      const { config } = this.#model;
      const vocabulary = Math.min(config.vocab_size, this.#tokenizer.vocabulary);
      const scores = scoreText(this.#model, ids, { alternatives: job.topLogProbabilities ?? 0, vocabulary });
      for (const [index, score] of scores.entries()) {
        Object.assign(tokens[index + 1]!, logProbabilitiesOf(this.#tokenizer, score.id, score));
      }
    }
    return { tokens, embedding: [] };
  }
}
