/** OpenAI's API: chat completions and models, as its clients rely on them. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { access } from '../accounts/access.ts';
import { toHttpError } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import { addLocalCors } from '../http/security.ts';
import type { Generation } from '../inference/generation.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { Accepted, TokenRecord } from '../inference/protocol.ts';
import type { ModelRegistry, RegisteredModel } from '../lab/registry.ts';
import { fromGeneration, openaiErrorBody } from './errors.ts';
import { merge } from './merge.ts';
import { type ChatCompletion, parseChatCompletion, toJobs } from './request.ts';
import { type Choice, chunk, completion, type Envelope, newEnvelope, usageChunk, usageOf } from './wire.ts';

interface Models {
  pool: ModelPool;
  registry: ModelRegistry;
}

export function addOpenaiRoutes(app: FastifyInstance, { pool, registry }: Models): void {
  addLocalCors(app);

  app.get('/models', access('api'), async () => ({
    object: 'list',
    data: (await registry.listChat()).map(modelObject),
  }));

  // A model's name may hold slashes.
  app.get<{ Params: { '*': string } }>('/models/*', access('api'), async (request) => {
    return modelObject(await registry.getChat(request.params['*']));
  });

  app.post('/chat/completions', access('api'), async (request, reply) => {
    const wanted = parseChatCompletion(request.body);
    const model = await pool.model(wanted.model);
    const asked = toJobs(wanted, model);
    pool.checkCapacity(model.id, asked.jobs.length);
    const generations = asked.jobs.map((job) => pool.generate(model.id, job));
    const cancel = () => {
      for (const generation of generations) generation.cancel();
    };
    // Whoever hangs up frees the slots, streaming or not.
    reply.raw.once('close', cancel);
    try {
      const [{ promptTokens }] = (await Promise.all(generations.map(({ accepted }) => accepted))) as [Accepted];
      const envelope = newEnvelope(model);
      if (asked.stream)
        return streamChoices(reply, { envelope, asked, generations, promptTokens: promptTokens.length });
      const choices = await Promise.all(generations.map(collect));
      const usage = usageOf(promptTokens.length, sum(choices.map(({ completionTokens }) => completionTokens)));
      return completion(envelope, choices, usage, asked.jobs[0]!.topLogProbabilities !== null);
    } catch (error) {
      cancel();
      throw fromGeneration(error);
    }
  });
}

interface Stream {
  envelope: Envelope;
  asked: ChatCompletion;
  generations: Generation[];
  promptTokens: number;
}

function streamChoices(reply: FastifyReply, { envelope, asked, generations, promptTokens }: Stream): Promise<void> {
  const withLogProbabilities = asked.jobs[0]!.topLogProbabilities !== null;
  // With the usage asked for, every chunk has the key and only the last one the figures.
  const noUsage = asked.includeUsage ? { usage: null } : {};
  const write = (fields: Parameters<typeof chunk>[1]) => event({ ...chunk(envelope, fields), ...noUsage });

  return sendEvents(reply, async function* (gone) {
    for (const index of generations.keys()) {
      yield write({ index, delta: { role: 'assistant', content: '' } });
    }
    let completionTokens = 0;
    try {
      for await (const step of merge(generations.map((generation) => generation.read(gone)))) {
        const { index } = step;
        if ('done' in step) {
          yield write({ index, delta: {}, reason: step.done });
          continue;
        }
        const { text, tokens } = step.value;
        completionTokens += tokens.length;
        if (text) yield write({ index, delta: { content: text }, tokens: withLogProbabilities ? tokens : null });
      }
    } catch (error) {
      if (gone.aborted) return;
      for (const generation of generations) generation.cancel();
      // Without [DONE]: a client must not take half an answer for a whole one.
      yield event(openaiErrorBody(toHttpError(fromGeneration(error), reply.request)));
      return;
    }
    if (asked.includeUsage) yield event(usageChunk(envelope, usageOf(promptTokens, completionTokens)));
    yield event('[DONE]');
  });
}

async function collect(generation: Generation): Promise<Choice> {
  let content = '';
  let completionTokens = 0;
  const tokens: TokenRecord[] = [];
  const pieces = generation.read();
  let next = await pieces.next();
  for (; !next.done; next = await pieces.next()) {
    const piece = next.value;
    content += piece.text;
    completionTokens += piece.tokens.length;
    if (piece.text) tokens.push(...piece.tokens);
  }
  return { content, tokens, completionTokens, reason: next.value };
}

function modelObject({ id, manifest, context }: RegisteredModel) {
  return {
    id,
    object: 'model',
    created: Math.floor(Date.parse(manifest.createdAt) / 1000),
    owned_by: 'parley',
    max_model_len: context,
  };
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
