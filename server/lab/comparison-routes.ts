/** The routes of contracts/comparison.ts. */
import {
  type BlindItem,
  type ChatMessage,
  type Comparison,
  type ComparisonDetails,
  newComparisonSchema,
  samplingSchema,
  type Unveiled,
  voteRequestSchema,
} from '@parley/contracts';
import { readPrompts } from '@parley/lm/data';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access, userOf } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import { comparisonOf, itemsLeft, leftIsFirst, resultsOf, vote } from './comparisons.ts';
import { promptsPath } from './job-arguments.ts';
import type { Lab } from './lab.ts';
import type { ComparisonRow } from './tables.ts';

const idSchema = z.object({ id: z.uuid('not an id') });

export function addComparisonRoutes(app: FastifyInstance, lab: Lab): void {
  const { db, registry, folders, comparisons } = lab;

  app.get('/api/comparisons', access('trainer'), async (request) => {
    const rows = await db.selectFrom('comparisons').selectAll().orderBy('id', 'desc').execute();
    return { comparisons: await Promise.all(rows.map((row) => toComparison(row, userOf(request).id))) };
  });

  app.post('/api/comparisons', access('administrator'), async (request, reply): Promise<Comparison> => {
    const wanted = parse(newComparisonSchema, request.body);
    const [left, right] = [await registry.getChat(wanted.left), await registry.getChat(wanted.right)];
    const { maxTokens, temperature } = wanted;
    const row = await comparisons.add({
      ...{ left: left.id, right: right.id, user: userOf(request).id },
      prompts: [...wanted.prompts.map(asked), ...drawn(wanted.source, wanted.count)],
      sampling: samplingSchema.parse({ maxTokens, temperature, seed: 1 }),
    });
    reply.code(201);
    return toComparison(row, userOf(request).id);
  });

  app.get('/api/comparisons/:id', access('trainer'), async (request): Promise<ComparisonDetails> => {
    const row = await comparisonOf(db, parse(idSchema, request.params).id);
    const comparison = await toComparison(row, userOf(request).id);
    return { comparison, items: comparison.result === null ? [] : await itemsOf(row.id) };
  });

  app.delete('/api/comparisons/:id', access('administrator'), async (request, reply) => {
    const { id } = await comparisonOf(db, parse(idSchema, request.params).id);
    await db.deleteFrom('comparisons').where('id', '=', id).execute();
    return reply.code(204).send();
  });

  app.get('/api/comparisons/:id/next', access('trainer'), async (request): Promise<{ item: BlindItem | null }> => {
    const user = userOf(request).id;
    const { id } = await comparisonOf(db, parse(idSchema, request.params).id);
    const left = await itemsLeft(db, id, user);
    const next = left[0];
    if (!next) return { item: null };
    const answers = [next.left_answer!, next.right_answer!];
    const [first, second] = (leftIsFirst(next.id, user) ? answers : answers.reverse()) as [string, string];
    return { item: { id: next.id, prompt: textOf(next.prompt), first, second, left: left.length } };
  });

  app.post('/api/comparisons/:id/votes', access('trainer'), async (request): Promise<Unveiled> => {
    const user = userOf(request).id;
    const row = await comparisonOf(db, parse(idSchema, request.params).id);
    const { item, choice } = parse(voteRequestSchema, request.body);
    const known = await db
      .selectFrom('comparison_items')
      .select('id')
      .where('id', '=', item)
      .where('comparison_id', '=', row.id)
      .where('left_answer', 'is not', null)
      .where('right_answer', 'is not', null)
      .executeTakeFirst();
    if (!known) throw new HttpError(404, 'item_not_found', `There is no such prompt to judge: ${item}.`);
    const first = leftIsFirst(item, user) ? 'left' : 'right';
    const second = first === 'left' ? 'right' : 'left';
    const judged = choice === 'first' ? first : choice === 'second' ? second : choice;
    await vote(db, item, user, judged);
    return { first: row[`${first}_id`], second: row[`${second}_id`] };
  });

  async function toComparison(row: ComparisonRow, user: string): Promise<Comparison> {
    const items = await db
      .selectFrom('comparison_items')
      .select(['left_answer', 'right_answer'])
      .where('comparison_id', '=', row.id)
      .execute();
    const answered = items.filter((item) => item.left_answer !== null && item.right_answer !== null).length;
    const blind = row.error === null && (answered < items.length || (await itemsLeft(db, row.id, user)).length > 0);
    const { result } = (await resultsOf(db)).find(({ id }) => id === row.id)!;
    return {
      ...{ id: row.id, left: row.left_id, right: row.right_id, error: row.error, createdAt: row.created_at },
      ...{ prompts: items.length, answered, result: blind ? null : result },
    };
  }

  async function itemsOf(comparisonId: string): Promise<ComparisonDetails['items']> {
    const items = await db
      .selectFrom('comparison_items')
      .selectAll()
      .where('comparison_id', '=', comparisonId)
      .orderBy('id')
      .execute();
    const votes = await db
      .selectFrom('comparison_votes')
      .select(['item_id', 'choice'])
      .where('item_id', 'in', (query) =>
        query.selectFrom('comparison_items').select('id').where('comparison_id', '=', comparisonId),
      )
      .execute();
    return items.map(({ id, prompt, left_answer, right_answer }) => {
      const count = (choice: string) => votes.filter((one) => one.item_id === id && one.choice === choice).length;
      return {
        ...{ prompt: textOf(prompt), left: left_answer ?? '', right: right_answer ?? '' },
        votes: { left: count('left'), right: count('right'), tie: count('tie'), bad: count('bad') },
      };
    });
  }

  /** Evenly spread over the file, so that whatever its order is, all of it is touched; each prompt once. */
  function drawn(source: string, count: number): ChatMessage[][] {
    if (source === '') return [];
    const { prompts } = readPrompts(promptsPath(source, folders));
    const distinct = [...new Map(prompts.map((prompt) => [JSON.stringify(prompt), prompt])).values()];
    const step = Math.max(1, distinct.length / count);
    return Array.from({ length: Math.min(count, distinct.length) }, (_, index) => distinct[Math.floor(index * step)]!);
  }
}

const asked = (content: string): ChatMessage[] => [{ role: 'user', content }];

/** A conversation as one text: the question, with what came before it. */
function textOf(prompt: string): string {
  const messages = JSON.parse(prompt) as ChatMessage[];
  return messages.map(({ content }) => content).join('\n\n');
}
