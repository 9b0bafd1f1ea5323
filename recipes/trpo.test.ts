import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TrpoRecipe, trpoRecipeSchema } from '@parley/contracts';
import { readMetrics } from '@parley/lm/checkpoint';
import { answerFlops, FisherMatrix } from '@parley/lm/episodes';
import { whiten } from '@parley/lm/losses';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StoppedError } from './interruption.ts';
import { BatchSource, openInputs } from './policy-run.ts';
import type { RewardFunction } from './reward-source.ts';
import { writeTinyChat } from './testing/tiny-chat.ts';
import { naturalStep, trpo } from './trpo.ts';

let folder: string;
const path = (...names: string[]) => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-trpo-'));
  writeTinyChat(path('chat'));
  const prompts = Array.from({ length: 20 }, (_, index) => ({ prompt: `say ${index}` }));
  writeFileSync(path('prompts.jsonl'), prompts.map((line) => JSON.stringify(line)).join('\n'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recipe = (out: string, changes: Partial<TrpoRecipe> = {}): TrpoRecipe =>
  trpoRecipeSchema.parse({
    model: path('chat'),
    prompts: path('prompts.jsonl'),
    out: path(out),
    steps: 3,
    batch: 16,
    maxTokens: 8,
    noEndScore: 0,
    fisherShare: 0.5,
    checkpointEvery: 1,
    ...changes,
  });
const letters: RewardFunction = (_, answer) => (answer.match(/[a-z]/g)?.length ?? 0) / 6;
const run = (out: string, changes: Partial<TrpoRecipe> = {}) =>
  trpo(recipe(out, changes), { quiet: true, rewardFunction: letters });

test.each([0.001, 0.02, 0.3])(
  'a step is taken inside its trust region of %f nats, or not at all',
  async (trustRegion) => {
    const settings = recipe('none', { trustRegion });
    const inputs = await openInputs(settings, { rewardFunction: letters });
    const { model: policy } = inputs.policy;
    const batches = new BatchSource(settings, inputs);
    for (let round = 0; round < 3; round++) {
      const batch = await batches.draw(round);
      const advantages = batch.rollouts.map(({ answer }, index) =>
        Float32Array.from(answer, (id, t) => Math.sin(id + t) + (index % 3)),
      );
      whiten(advantages);
      const part = batch.rollouts.slice(0, 8);
      const witness = new FisherMatrix(policy, part, settings.tokens);
      const before = policy.parameters.values.slice();
      const step = naturalStep(policy, batch, advantages, settings);
      // The gradient; distributions, ten products of conjugate gradient and a divergence per halving; surrogates.
      const [whole, half] = [answerFlops(policy, batch.rollouts), answerFlops(policy, part)];
      const surrogates = (step.flops - 3 * whole - (1 + 5 * 10 + step.halvings + Number(step.accepted)) * half) / whole;
      expect(Number.isInteger(surrogates) && surrogates >= Number(step.accepted)).toBe(true);
      expect(surrogates).toBeLessThanOrEqual(step.halvings + 1);
      if (step.accepted) {
        expect(step.improvement).toBeGreaterThan(0);
        expect(witness.divergence()).toBeCloseTo(step.divergence, 9);
        expect(step.divergence).toBeLessThanOrEqual(trustRegion);
        // Not timid either: the region is used, or a halving was needed.
        expect(step.divergence > trustRegion / 10 || step.halvings > 0).toBe(true);
      } else expect(policy.parameters.values).toEqual(before);
      expect(round > 0 || step.accepted).toBe(true);
    }
  },
);

const longer = { steps: 16, maxTokens: 40, trustRegion: 0.05 };

test('earns more reward, and a run that was stopped and resumed ends with the same bits', async () => {
  const report = await run('whole', longer);
  expect(report.last.reward).toBeGreaterThan(report.first.reward);
  const moved = readMetrics(path('whole', 'metrics.jsonl')).map((metric) => metric.movedPerToken as number);
  expect(Math.max(...moved)).toBeLessThanOrEqual(0.05);

  const stopped = run('stopped', longer);
  await new Promise((resolve) => setImmediate(resolve));
  process.emit('SIGINT');
  await expect(stopped).rejects.toThrow(StoppedError);
  await run('stopped', longer);
  const weights = (out: string) => readFileSync(path(out, 'model', 'model.safetensors'));
  expect(weights('stopped')).toEqual(weights('whole'));
});

test('bf16 is refused with the reason', async () => {
  await expect(run('bf16', { precision: 'bf16' })).rejects.toThrow(/needs --precision f32/);
});
