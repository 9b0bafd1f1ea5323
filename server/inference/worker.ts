/**
 * The inference worker: one process that holds the model and writes answers, told what to do over IPC.
 * Started by inference.ts with the model folder and the generator's options as its arguments; ends when the
 * server does, however that ends.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatMessage, type SamplingOverrides, samplingOverridesSchema } from '@parley/contracts';
import { loadModel } from '@parley/lm/checkpoint';
import {
  answerReserve,
  buildChatPrompt,
  ContextLengthError,
  Generator,
  type GeneratorOptions,
} from '@parley/lm/generate';
import type { Tokenizer } from '@parley/lm/tokenizer';
import { addPassages } from '../assistants/prompt.ts';
import { addDocuments } from '../files/document-prompt.ts';
import { logProbabilitiesOf } from './log-probabilities.ts';
import { Outbox } from './outbox.ts';
import type { Accepted, ChatJob, FromWorker, Job, RefusalCode, TokenRecord, ToWorker } from './protocol.ts';
import { InvalidTokenError, TextReader } from './text-reader.ts';

const [modelFolder, optionsArgument] = process.argv.slice(2) as [string, string];
const running = new Map<number, AbortController>();
const outbox = new Outbox();

// Ctrl-C reaches the whole process group; when to end is the server's decision.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));

function serve(): void {
  const { model, tokenizer, manifest } = loadModel(modelFolder);
  // A model without a chat template is found out now, not at the first question.
  tokenizer.renderChat([{ role: 'user', content: '' }], { open: true });
  const options = JSON.parse(optionsArgument) as GeneratorOptions;
  const generator = new Generator(model, tokenizer, options);
  const reader = new TextReader(model, tokenizer, generator);

  const load = new LoadReport(generator);
  process.on('message', (message: ToWorker) => {
    if (message.type === 'cancel') running.get(message.id)?.abort();
    else void answer({ generator, tokenizer, reader }, message.id, message.job).then(() => load.update());
    load.update();
  });
  outbox.send({
    type: 'ready',
    model: {
      id: manifest.name,
      parameters: manifest.parameters,
      context: generator.context,
      weightsHash: manifest.weightsHash,
      createdAt: Date.parse(manifest.createdAt),
      slots: generator.stats().slots,
      sampling: recommendedSampling(modelFolder),
      manifest,
    },
  });
}

interface Engine {
  generator: Generator;
  tokenizer: Tokenizer;
  reader: TextReader;
}

async function answer({ generator, tokenizer, reader }: Engine, id: number, job: Job): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  let unsent: TokenRecord[] = [];
  const flush = (text: string) => {
    outbox.piece(id, { text, tokens: unsent });
    unsent = [];
  };
  try {
    reader.checkTokens('invalid_logit_bias', job.adjustments?.bias.map(([token]) => token) ?? []);
    const isText = 'prompt' in job;
    const accepted = isText ? await reader.accept(job, abort.signal) : promptOf(generator, tokenizer, job);
    outbox.send({ type: 'accepted', id, ...accepted });
    if (job.sampling === null) {
      outbox.send({ type: 'finished', id, reason: abort.signal.aborted ? 'cancelled' : 'stop' });
      return;
    }
    const wanted = job.topLogProbabilities;
    const { finishReason } = await generator.generate({
      prompt: accepted.promptTokens,
      answered: isText ? 0 : job.answer.length,
      sampling: job.sampling,
      adjustments: job.adjustments,
      logProbabilities: wanted !== null,
      topLogProbabilities: wanted ?? 0,
      signal: abort.signal,
      onToken: ({ id: token, score }) => {
        unsent.push({ id: token, ...(score && logProbabilitiesOf(tokenizer, token, score)) });
      },
      onText: flush,
    });
    // What the end cut off: an unfinished character, or the tokens of a stop string.
    if (unsent.length > 0) flush('');
    outbox.send({ type: 'finished', id, reason: finishReason });
  } catch (error) {
    outbox.send({ type: 'refused', id, code: refusalOf(error), message: (error as Error).message });
  } finally {
    running.delete(id);
  }
}

function refusalOf(error: unknown): RefusalCode {
  if (error instanceof ContextLengthError) return 'context_length_exceeded';
  return error instanceof InvalidTokenError ? error.code : 'internal_error';
}

/** @throws ContextLengthError */
function promptOf(generator: Generator, tokenizer: Tokenizer, job: ChatJob): Accepted {
  const { context } = generator;
  if (job.dropOldestTurns) {
    const tokensOf = (shown: readonly ChatMessage[]) =>
      tokenizer.renderChat(shown, { open: true }).ids.length + job.answer.length;
    const room = context - answerReserve(context, job.sampling.maxTokens);
    const grounded = addPassages(job.messages, job.passages ?? [], tokensOf, room);
    const { messages, charactersRead } = addDocuments(grounded.messages, job.documents ?? [], tokensOf, room);
    const { ids, droppedTurns } = buildChatPrompt(tokenizer, messages, {
      context,
      reserve: job.sampling.maxTokens,
      partial: job.answer,
    });
    return { promptTokens: ids, droppedTurns, usedPassages: grounded.used, charactersRead };
  }
  const { ids } = tokenizer.renderChat(job.messages, { open: true });
  if (ids.length >= context) throw new ContextLengthError(context, ids.length, 'the conversation');
  return { promptTokens: ids, droppedTurns: 0 };
}

/** The sampling that generation_config.json recommends, under our names. */
function recommendedSampling(folder: string): SamplingOverrides {
  const path = join(folder, 'generation_config.json');
  if (!existsSync(path)) return {};
  const config = readJson(path);
  const named = {
    temperature: config.temperature,
    topK: config.top_k,
    topP: config.top_p,
    minP: config.min_p,
    repetitionPenalty: config.repetition_penalty,
    maxTokens: config.max_new_tokens,
  };
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value != null));
  const parsed = samplingOverridesSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new Error(
    `${path} recommends a sampling that cannot be: ${issue.path.join('.')}: ${issue.message}. Mend or remove it.`,
  );
}

function readJson(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Error(`${path} is not JSON; copy it again or remove it.`, { cause });
  }
}

/** Tells the server how full the batch is, when that changes; asks only while there is work. */
class LoadReport {
  readonly #generator: Generator;
  #timer: NodeJS.Timeout | null = null;
  #last = '';

  constructor(generator: Generator) {
    this.#generator = generator;
  }

  update(): void {
    const { active, queued } = this.#generator.stats();
    const now = `${active} ${queued}`;
    if (now !== this.#last) outbox.send({ type: 'load', active, queued });
    this.#last = now;
    if (running.size > 0) this.#timer ??= setInterval(() => this.update(), 20);
    else if (this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}

try {
  serve();
} catch (error) {
  process.send?.({ type: 'failed', message: (error as Error).message } satisfies FromWorker, () => process.exit(1));
}
