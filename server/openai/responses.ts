/** POST /v1/responses: OpenAI's newer way to ask for an answer, without its state: conversations come whole. */
import { type ResponseRequest, responseRequestSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access } from '../accounts/access.ts';
import { parse } from '../http/errors.ts';
import type { ChatJob, ModelDescription } from '../inference/protocol.ts';
import { answer, collect, type Models, streamChoices } from './answering.ts';
import { toChatMessage } from './content.ts';
import { ResponseInTheMaking } from './response-wire.ts';
import { drawingsOf, refuseFormat, refuseUnsupported } from './sampling.ts';

const stateful = ['previous_response_id', 'conversation', 'prompt', 'background'];

export function addResponses(app: FastifyInstance, models: Models): void {
  app.post('/responses', access('api:chat'), async (request, reply) => {
    const wanted = parseRequest(request.body);
    const model = await models.pool.model(wanted.model);
    const job = toJob(wanted, model);
    return answer(models, { model, jobs: [job], reply, param: 'input' }, async ([generation], [accepted]) => {
      const response = new ResponseInTheMaking(wanted, job, model.id, accepted!.promptTokens.length);
      if (!wanted.stream) {
        const { text, tokens, completionTokens, reason } = await collect(generation!);
        response.add(text, tokens);
        return response.end(reason, completionTokens);
      }
      return streamChoices(reply, [generation!], {
        param: 'input',
        before: () => response.openingEvents(),
        piece: (_, { text, tokens }) => [response.deltaEvent(text, tokens)],
        ended: (_, reason) => response.closingEvents(reason),
        after: (completionTokens) => [response.lastEvent(completionTokens)],
        failed: (error) => response.failedEvent(error),
      });
    });
  });
}

/** @throws HttpError 400 naming the field */
function parseRequest(body: unknown): ResponseRequest {
  const request = parse(responseRequestSchema, body);
  refuseUnsupported(request, [...stateful, 'tools']);
  refuseFormat((request.text as { format?: unknown } | null | undefined)?.format, 'text.format');
  return request;
}

function toJob(request: ResponseRequest, model: ModelDescription): ChatJob {
  const { input, instructions } = request;
  const said = typeof input === 'string' ? [{ role: 'user' as const, content: input }] : input;
  const messages = said.map((message, index) => toChatMessage(message, `input[${index}].content`));
  const withScores = request.include?.includes('message.output_text.logprobs') || request.top_logprobs != null;
  const maxTokens = request.max_output_tokens ?? model.context;
  return {
    ...drawingsOf(request, { count: 1, maxTokens, model })[0]!,
    messages: instructions ? [{ role: 'system', content: instructions }, ...messages] : messages,
    answer: [],
    dropOldestTurns: request.truncation === 'auto',
    topLogProbabilities: withScores ? (request.top_logprobs ?? 0) : null,
  };
}
