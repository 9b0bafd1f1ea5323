/** A response as it comes to be: its object at every stage, and the numbered events of its stream. */
import { randomBytes } from 'node:crypto';
import type { FinishReason, ResponseRequest } from '@parley/contracts';
import type { HttpError } from '../http/errors.ts';
import { event } from '../http/event-stream.ts';
import type { ChatJob, TokenRecord } from '../inference/protocol.ts';
import { scoredContent } from './chat-wire.ts';

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed';

export class ResponseInTheMaking {
  readonly #request: ResponseRequest;
  readonly #job: ChatJob;
  readonly #model: string;
  readonly #promptTokens: number;
  readonly #id = `resp_${randomBytes(16).toString('hex')}`;
  readonly #messageId = `msg_${randomBytes(16).toString('hex')}`;
  readonly #createdAt = Math.floor(Date.now() / 1000);
  #status: Status = 'in_progress';
  #text = '';
  #tokens: TokenRecord[] = [];
  #sequence = 0;

  constructor(request: ResponseRequest, job: ChatJob, model: string, promptTokens: number) {
    this.#request = request;
    this.#job = job;
    this.#model = model;
    this.#promptTokens = promptTokens;
  }

  add(text: string, tokens: TokenRecord[]): void {
    this.#text += text;
    if (this.#job.topLogProbabilities !== null) this.#tokens.push(...tokens);
  }

  /** The whole response. */
  end(reason: FinishReason, completionTokens: number) {
    this.#status = reason === 'stop' ? 'completed' : 'incomplete';
    return this.#response([this.#message()], completionTokens);
  }

  openingEvents(): string[] {
    const response = this.#response([]);
    return [
      this.#event('response.created', { response }),
      this.#event('response.in_progress', { response }),
      this.#event('response.output_item.added', { output_index: 0, item: { ...this.#message(), content: [] } }),
      this.#event('response.content_part.added', { ...this.#place, part: this.#part() }),
    ];
  }

  deltaEvent(text: string, tokens: TokenRecord[]): string {
    this.add(text, tokens);
    const logprobs = this.#job.topLogProbabilities === null ? [] : scoredContent(tokens);
    return this.#event('response.output_text.delta', { ...this.#place, delta: text, logprobs });
  }

  closingEvents(reason: FinishReason): string[] {
    this.#status = reason === 'stop' ? 'completed' : 'incomplete';
    const part = this.#part();
    return [
      this.#event('response.output_text.done', { ...this.#place, text: part.text, logprobs: part.logprobs }),
      this.#event('response.content_part.done', { ...this.#place, part }),
      this.#event('response.output_item.done', { output_index: 0, item: this.#message() }),
    ];
  }

  lastEvent(completionTokens: number): string {
    const response = this.#response([this.#message()], completionTokens);
    return this.#event(`response.${this.#status}`, { response });
  }

  failedEvent({ message }: HttpError): string {
    this.#status = 'failed';
    const response = { ...this.#response([]), error: { code: 'server_error', message } };
    return this.#event('response.failed', { response });
  }

  get #place() {
    return { item_id: this.#messageId, output_index: 0, content_index: 0 };
  }

  #part() {
    return { type: 'output_text', text: this.#text, annotations: [], logprobs: scoredContent(this.#tokens) };
  }

  #message() {
    return { id: this.#messageId, type: 'message', role: 'assistant', status: this.#status, content: [this.#part()] };
  }

  /** @param completionTokens absent before the end */
  #response(output: object[], completionTokens?: number) {
    const { instructions, max_output_tokens, truncation, top_logprobs, metadata } = this.#request;
    const { temperature, topP } = this.#job.sampling;
    return {
      id: this.#id,
      object: 'response',
      created_at: this.#createdAt,
      status: this.#status,
      error: null,
      incomplete_details: this.#status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      instructions: instructions ?? null,
      max_output_tokens: max_output_tokens ?? null,
      model: this.#model,
      output,
      parallel_tool_calls: false,
      previous_response_id: null,
      reasoning: { effort: null, summary: null },
      store: false,
      temperature,
      text: { format: { type: 'text' } },
      tool_choice: 'none',
      tools: [],
      top_logprobs: top_logprobs ?? 0,
      top_p: topP,
      truncation: truncation ?? 'disabled',
      usage: completionTokens === undefined ? null : usage(this.#promptTokens, completionTokens),
      metadata: metadata ?? {},
    };
  }

  #event(type: string, fields: object): string {
    return `event: ${type}\n${event({ type, sequence_number: this.#sequence++, ...fields })}`;
  }
}

function usage(promptTokens: number, completionTokens: number) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  };
}
