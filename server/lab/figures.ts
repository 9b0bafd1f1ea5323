/** What is known of how good a model is: from its manifest, the report of its run, evaluations, and people's votes. */
import { evaluateRecipeSchema, type Figures } from '@parley/contracts';
import { z } from 'zod';
import { resultsOf } from './comparisons.ts';
import type { Lab } from './lab.ts';
import type { RegisteredModel } from './registry.ts';
import { readRunJson } from './run-files.ts';

const policyReportSchema = z.looseObject({ last: z.looseObject({ reward: z.number(), kl: z.number() }) });
const evaluationSchema = z.looseObject({
  heldOutLoss: z.looseObject({ model: z.number() }),
  tasks: z.record(z.string(), z.looseObject({ model: z.number() })),
});

/** Later sources override earlier ones: what was measured last counts. */
export async function figuresOf(lab: Lab, model: RegisteredModel): Promise<Figures> {
  const figures: Figures = { ...model.manifest.metrics };
  const job = await lab.jobOf(model);
  const policy = job && policyReportSchema.safeParse(readRunJson(lab.runFolder(job), 'report.json'));
  if (policy?.success) Object.assign(figures, { reward: policy.data.last.reward, kl: policy.data.last.kl });
  Object.assign(figures, await evaluationOf(lab, model));
  const winRate = await winRateOf(lab, model.id);
  if (winRate !== null) figures.winRate = winRate;
  return figures;
}

/** By the newest evaluation of the model that is done. */
async function evaluationOf(lab: Lab, { id }: RegisteredModel): Promise<Figures> {
  for (const job of await lab.jobs.list()) {
    if (job.recipe !== 'evaluate' || job.state !== 'done') continue;
    const { model } = evaluateRecipeSchema.pick({ model: true }).parse(JSON.parse(job.settings));
    const report = evaluationSchema.safeParse(readRunJson(lab.runFolder(job), 'report.json'));
    if (model !== `model:${id}` || !report.success) continue;
    const tasks = Object.values(report.data.tasks);
    const exact = tasks.reduce((sum, task) => sum + task.model, 0) / Math.max(1, tasks.length);
    return { heldOutLoss: report.data.heldOutLoss.model, ...(tasks.length > 0 && { exactAnswers: exact }) };
  }
  return {};
}

/** In its newest comparison that has votes. */
async function winRateOf(lab: Lab, id: string): Promise<number | null> {
  for (const { left, right, result } of await resultsOf(lab.db)) {
    if (result.winRate === null) continue;
    if (left === id) return result.winRate;
    if (right === id) return 1 - result.winRate;
  }
  return null;
}
