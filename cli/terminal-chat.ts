/** A conversation in the terminal: answers stream, Ctrl-C stops one, old turns drop out when the context is full. */
import { createInterface, type Interface } from 'node:readline';
import type { ChatMessage, Manifest, Sampling } from '@parley/contracts';
import { buildChatPrompt, Generator } from '@parley/lm/generate';
import type { Llama } from '@parley/lm/models';
import type { Tokenizer } from '@parley/lm/tokenizer';

interface LoadedModel {
  model: Llama;
  tokenizer: Tokenizer;
  manifest: Manifest;
}

const help = '/continue goes on with an answer that was cut, /new starts over, /exit ends; Ctrl-C stops an answer';

export class TerminalChat {
  private readonly tokenizer: Tokenizer;
  private readonly generator: Generator;
  private readonly name: string;
  private readonly sampling: Sampling;
  private readonly system: ChatMessage[];
  private readonly output: NodeJS.WritableStream;
  private readonly lines: Interface;
  private messages: ChatMessage[] = [];
  /** Tokens of the last answer, for /continue. */
  private answerIds: number[] = [];
  private answers = 0;
  private answering: AbortController | null = null;

  constructor(
    { model, tokenizer, manifest }: LoadedModel,
    { sampling, system }: { sampling: Sampling; system?: string },
    input: NodeJS.ReadableStream = process.stdin,
    output: NodeJS.WritableStream = process.stdout,
  ) {
    this.tokenizer = tokenizer;
    this.generator = new Generator(model, tokenizer, { slots: 1 });
    this.name = manifest.name;
    this.sampling = sampling;
    this.system = system ? [{ role: 'system', content: system }] : [];
    this.output = output;
    this.lines = createInterface({ input, output, prompt: '> ', terminal: (input as NodeJS.ReadStream).isTTY });
  }

  /** Until /exit, the end of the input, or Ctrl-C on an empty line. */
  async run(): Promise<void> {
    const interrupt = () => {
      if (this.answering) this.answering.abort();
      else this.lines.close();
    };
    // readline takes Ctrl-C on a terminal; a signal from elsewhere comes to the process.
    this.lines.on('SIGINT', interrupt);
    process.on('SIGINT', interrupt);
    this.output.write(`${this.name}, ${this.generator.context} tokens of context. ${help}.\n`);
    try {
      this.lines.prompt();
      for await (const line of this.lines) {
        if (!(await this.obey(line.trim()))) break;
        this.lines.prompt();
      }
    } finally {
      process.off('SIGINT', interrupt);
      this.lines.close();
    }
  }

  /** Does what a line says; false ends the chat. */
  private async obey(line: string): Promise<boolean> {
    if (line === '/exit') return false;
    if (line === '/new') {
      this.messages = [];
      this.output.write('a new conversation\n');
    } else if (line === '/continue') {
      if (this.messages.at(-1)?.role === 'assistant') await this.answer(this.answerIds);
      else this.output.write('there is no answer to continue\n');
    } else if (line.startsWith('/')) {
      this.output.write(`there is no command ${line}; ${help}\n`);
    } else if (line !== '') {
      this.messages.push({ role: 'user', content: line });
      await this.answer([]);
    }
    return true;
  }

  /** Answers the last user message, going on from `partial`. */
  private async answer(partial: number[]): Promise<void> {
    const unfinished = partial.length > 0 ? this.messages.pop() : undefined;
    this.answering = new AbortController();
    try {
      const { ids, droppedTurns } = buildChatPrompt(this.tokenizer, [...this.system, ...this.messages], {
        context: this.generator.context,
        reserve: this.sampling.maxTokens,
        partial,
      });
      if (droppedTurns > 0)
        this.output.write(`(the oldest ${droppedTurns} messages no longer fit and were left out)\n`);
      const result = await this.generator.generate({
        prompt: ids,
        answered: partial.length,
        // Every answer draws anew; the whole chat repeats with the same --seed.
        sampling: { ...this.sampling, seed: this.sampling.seed + this.answers++ },
        signal: this.answering.signal,
        onText: (delta) => void this.output.write(delta),
      });
      this.answerIds = [...partial, ...result.ids];
      this.messages.push({ role: 'assistant', content: (unfinished?.content ?? '') + result.text });
      const ending = { stop: '', length: ' … (/continue goes on)', cancelled: ' … (stopped; /continue goes on)' };
      this.output.write(`${ending[result.finishReason]}\n`);
    } catch (error) {
      // The conversation stays as it was before what could not be done.
      if (unfinished) this.messages.push(unfinished);
      else this.messages.pop();
      this.output.write(`${(error as Error).message}\n`);
    } finally {
      this.answering = null;
    }
  }
}
