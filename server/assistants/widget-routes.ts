/**
 * The widget: one page that may stand in the pages of the sites that the assistant's owner named, and the routes that
 * it talks to. Visitors sign in nowhere and get no cookie; nothing they write is stored, only which filter decided what.
 * What their answers cost is charged to the owner.
 */
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  samplingSchema,
  type WidgetAssistant,
  type WidgetEvent,
  widgetRequestSchema,
  widgetSchema,
} from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { RateLimit } from '../accounts/rate-limit.ts';
import type { TokenUsage } from '../accounts/usage.ts';
import type { Db } from '../db/database.ts';
import { addressOf } from '../http/client.ts';
import { HttpError, parse } from '../http/errors.ts';
import { event, sendEvents } from '../http/event-stream.ts';
import { contentSecurityPolicy } from '../http/security.ts';
import type { ModelPool } from '../inference/pool.ts';
import type { SafetyGuard } from '../safety/guard.ts';
import { passagesFor } from './grounding.ts';
import { changeWidget, publicAssistant, widgetOf } from './widgets.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
/** Questions from one address in ten minutes; a whole office may share it. */
const questionsPerWindow = 60;
const windowMilliseconds = 600_000;
/** Shorter than in the chat: a visitor wants a sentence or two. */
const longestAnswer = 256;

interface WidgetParts {
  db: Db;
  pool: ModelPool;
  guard: SafetyGuard;
  usage: TokenUsage;
  /** The built web page. */
  webFolder: string;
}

export function addWidgetRoutes(app: FastifyInstance, { db, pool, guard, usage, webFolder }: WidgetParts): void {
  const limit = new RateLimit(windowMilliseconds);

  app.get('/api/assistants/:id/widget', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return widgetOf(db, userOf(request).id, id);
  });

  app.put('/api/assistants/:id/widget', access('user'), async (request) => {
    const { id } = parse(idSchema, request.params);
    return changeWidget(db, userOf(request).id, id, parse(widgetSchema, request.body));
  });

  app.get('/widget/:id', access('public'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const { origins } = await publicAssistant(db, id);
    const page = join(webFolder, 'widget.html');
    if (!existsSync(page)) {
      throw new HttpError(
        503,
        'not_built',
        'The web page has not been built yet. Run `npm run build:web`, then reload.',
      );
    }
    return reply
      .removeHeader('x-frame-options')
      .header('content-security-policy', contentSecurityPolicy(origins))
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(readFileSync(page));
  });

  app.get('/api/widget/:id', access('public'), async (request): Promise<WidgetAssistant> => {
    const { id } = parse(idSchema, request.params);
    const { assistant } = await publicAssistant(db, id);
    return { name: assistant.name, exampleQuestions: JSON.parse(assistant.example_questions) };
  });

  app.post('/api/widget/:id/messages', access('public'), async (request, reply) => {
    const { id } = parse(idSchema, request.params);
    const { messages } = parse(widgetRequestSchema, request.body);
    const { assistant } = await publicAssistant(db, id);
    limit.take(addressOf(request), questionsPerWindow);
    await usage.requireQuota(assistant.owner_id);
    const visitor = { userId: null, conversationId: null, messageId: null };
    const { text: question, found } = await guard.checkInput(visitor, messages.at(-1)!.content);
    await guard.record(visitor, 'input', found);
    const passages = await passagesFor(db, id, question);
    const model = await pool.model(assistant.model ?? undefined);
    pool.checkCapacity(model.id);

    const { instructions } = assistant;
    const generation = pool.generate(model.id, {
      messages: [
        ...(instructions === '' ? [] : [{ role: 'system' as const, content: instructions }]),
        ...messages.slice(0, -1),
        { role: 'user', content: question },
      ],
      passages: passages.map(({ text }) => text),
      answer: [],
      dropOldestTurns: true,
      sampling: samplingSchema.parse({ ...model.sampling, maxTokens: longestAnswer, seed: randomInt(2 ** 31) }),
      topLogProbabilities: null,
    });
    usage.follow(assistant.owner_id, generation).catch((error: unknown) => request.log.error(error));
    const filter = guard.filterOutput(visitor, {
      question,
      given: [instructions, ...passages.map(({ text }) => text)],
    });

    return sendEvents(reply, async function* (gone) {
      gone.addEventListener('abort', () => generation.cancel());
      const told = (text: string) => (text === '' ? [] : [event({ type: 'delta', text } satisfies WidgetEvent)]);
      try {
        for await (const piece of generation.read()) {
          yield* told(filter.push(piece.text));
          if (filter.stopped) generation.cancel();
        }
        yield* told(filter.end());
        const { usedPassages = 0 } = await generation.accepted;
        const given = passages.slice(0, usedPassages).map(({ documentName, text }) => ({ documentName, text }));
        yield event({ type: 'done', passages: given } satisfies WidgetEvent);
      } catch (error) {
        yield event({ type: 'error', message: (error as Error).message } satisfies WidgetEvent);
      }
    });
  });
}
