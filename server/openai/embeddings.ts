/** POST /v1/embeddings: texts as points on the unit sphere, by the mean of their last hidden states. */
import { type EmbeddingRequest, embeddingRequestSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import type { Accepted, TextJob } from '../inference/protocol.ts';
import { answer, type Models, sum } from './answering.ts';

/** Texts that are with the model at once: the rest of a long list must not fill its queue. */
const textsAtOnce = 32;

export function addEmbeddings(app: FastifyInstance, models: Models): void {
  app.post('/embeddings', access('api:chat'), async (request, reply) => {
    const wanted = parse(embeddingRequestSchema, request.body);
    const model = await models.pool.model(wanted.model);
    const jobs = inputsOf(wanted.input).map(toJob);
    const read: Accepted[] = [];
    for (let start = 0; start < jobs.length && !reply.raw.destroyed; start += textsAtOnce) {
      const some = jobs.slice(start, start + textsAtOnce);
      read.push(...(await answer(models, { model, jobs: some, reply, param: 'input' }, async (_, all) => all)));
    }
    const vectors = read.map(({ reading }) => reading!.embedding);
    requireWidth(wanted, vectors[0]?.length ?? 0);
    const tokens = sum(read.map(({ promptTokens }) => promptTokens.length));
    const encode = wanted.encoding_format === 'base64' ? toBase64 : (vector: number[]) => vector;
    return {
      object: 'list',
      data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
      model: model.id,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  });
}

function inputsOf(input: EmbeddingRequest['input']): (string | number[])[] {
  if (typeof input === 'string') return [input];
  return typeof input[0] === 'number' ? [input as number[]] : (input as (string | number[])[]);
}

const toJob = (prompt: string | number[]): TextJob => ({
  prompt,
  readSpecialTokens: false,
  reading: 'embedding',
  sampling: null,
  topLogProbabilities: null,
});

/** @throws HttpError 400: what is cut off such a vector is not the least important part of it */
function requireWidth({ dimensions }: EmbeddingRequest, width: number): void {
  if (dimensions == null || dimensions === width) return;
  throw new HttpError(400, 'invalid_request', `This model's embeddings have ${width} dimensions, not ${dimensions}.`, {
    param: 'dimensions',
  });
}

/** Little-endian float32. */
function toBase64(vector: number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString('base64');
}
