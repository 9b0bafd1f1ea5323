/** What a policy learned from, token by token: the batches that a run with `dump` keeps. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LabEpisode } from '@parley/contracts';
import { Tokenizer } from '@parley/lm/tokenizer';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { access } from '../accounts/access.ts';
import { HttpError, parse } from '../http/errors.ts';
import { argumentsFor } from './job-arguments.ts';
import type { Lab } from './lab.ts';
import { readRunFile } from './run-files.ts';
import type { JobRow } from './tables.ts';

const idSchema = z.object({ id: z.uuid('not an id') });
const stepSchema = idSchema.extend({ step: z.coerce.number().int().min(1) });
const numbers = z.array(z.number());
/** A line of recipes/policy-run.ts's dump. */
const dumpSchema = z.looseObject({
  messages: z.array(z.object({ content: z.string() })),
  text: z.string(),
  ended: z.boolean(),
  score: z.number(),
  tokens: z.array(z.int()),
  logProbabilities: numbers,
  reference: numbers,
  rewards: numbers.optional(),
  values: numbers.optional(),
  advantages: numbers.optional(),
});

export function addEpisodeRoutes(app: FastifyInstance, lab: Lab): void {
  app.get('/api/lab/jobs/:id/episodes', access('administrator'), async (request): Promise<{ steps: number[] }> => {
    const job = await lab.jobs.get(parse(idSchema, request.params).id);
    const folder = join(lab.runFolder(job), 'episodes');
    const steps = existsSync(folder)
      ? readdirSync(folder).flatMap((name) => /^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? [])
      : [];
    return { steps: steps.map(Number).sort((one, other) => one - other) };
  });

  app.get(
    '/api/lab/jobs/:id/episodes/:step',
    access('administrator'),
    async (request): Promise<{ episodes: LabEpisode[] }> => {
      const { id, step } = parse(stepSchema, request.params);
      const job = await lab.jobs.get(id);
      const lines = readRunFile(lab.runFolder(job), `episodes/step-${step}.jsonl`);
      if (lines === null) throw new HttpError(404, 'step_not_found', `This run keeps no answers of batch ${step}.`);
      const tokenizer = Tokenizer.load(await policyFolder(lab, job));
      return {
        episodes: lines
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => toEpisode(dumpSchema.parse(JSON.parse(line)), tokenizer)),
      };
    },
  );
}

/** Of the model that the run improves: it has the tokenizer. */
async function policyFolder(lab: Lab, job: JobRow): Promise<string> {
  const { model } = JSON.parse(job.settings) as { model: string };
  const words = await argumentsFor({ recipe: job.recipe, settings: { model }, runFolder: '' }, lab);
  return words[words.indexOf('--model') + 1]!;
}

function toEpisode(dump: z.infer<typeof dumpSchema>, tokenizer: Tokenizer): LabEpisode {
  const { tokens, logProbabilities, reference, rewards, values, advantages } = dump;
  return {
    prompt: dump.messages.map(({ content }) => content).join('\n\n'),
    ...{ text: dump.text, ended: dump.ended, score: dump.score },
    tokens: tokens.map((token, index) => ({
      text: tokenizer.decode([token], { special: true }),
      logProbability: logProbabilities[index]!,
      kl: logProbabilities[index]! - reference[index]!,
      reward: rewards?.[index] ?? null,
      value: values?.[index] ?? null,
      advantage: advantages?.[index] ?? null,
    })),
  };
}
