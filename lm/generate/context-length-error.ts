/** A prompt leaves no room in the model's context. */
export class ContextLengthError extends Error {
  override name = 'ContextLengthError';
  /** The longest prompt and answer together, in tokens. */
  readonly context: number;
  /** What the prompt takes, in tokens. */
  readonly tokens: number;

  constructor(context: number, tokens: number, what: string) {
    super(`This model's maximum context length is ${context} tokens, but ${what} takes ${tokens}; shorten it.`);
    this.context = context;
    this.tokens = tokens;
  }
}
