/** Answers in the little world of gold-task.ts, and the gold reward of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel, readMetrics } from '@parley/lm/checkpoint';
import { answerLogProbabilities, encodePrompt, measureTokens, type Rollout, rollOut } from '@parley/lm/episodes';
import { Generator } from '@parley/lm/generate';
import { goldReward, type Question } from './gold-task.ts';

/** Longest answer, in tokens. */
export const maxTokens = 40;

export type Answer = Rollout & { question: Question };

/** `each` answers to every question, by the whole distribution of a model. */
export async function answersOf(
  folder: string,
  questions: readonly Question[],
  each: number,
  seed: number,
): Promise<Answer[]> {
  const { model, tokenizer } = loadModel(folder);
  const context = model.config.max_position_embeddings;
  const repeated = questions.flatMap((question) => Array.from({ length: each }, () => question));
  const prompts = repeated.map(({ prompt }) => encodePrompt(tokenizer, prompt, { context, reserve: maxTokens }));
  const generator = new Generator(model, tokenizer, { slots: 64 });
  const rollouts = await rollOut(generator, prompts, { maxTokens, seed: seed * 100_003 });
  return rollouts.map((rollout, index) => ({ ...rollout, question: repeated[index]! }));
}

export const goldOf = (answers: readonly Answer[]): number[] =>
  answers.map(({ question, text }) => goldReward(question, text));

/** Divergence of each answer from a model, nats. */
export function divergencesFrom(reference: string, answers: readonly Answer[]): number[] {
  const found = measureTokens(loadModel(reference).model, answers, answerLogProbabilities, 8192);
  return answers.map(({ logProbabilities }, index) =>
    logProbabilities.reduce((sum, value, t) => sum + value - found[index]![t]!, 0),
  );
}

/** The metrics of every batch of a run that dumped its batches, each with the mean gold reward of what was written. */
export function batchesWithGold(run: string, asked: readonly Question[]) {
  const known = new Map(asked.map((question) => [JSON.stringify(question.prompt), question]));
  return readMetrics(join(run, 'metrics.jsonl')).map((metric) => {
    const lines = readFileSync(join(run, 'episodes', `step-${metric.step}.jsonl`), 'utf8')
      .trim()
      .split('\n');
    const gold = lines.map((line) => {
      const { messages, text } = JSON.parse(line);
      return goldReward(known.get(JSON.stringify(messages))!, text);
    });
    return { metric: metric as typeof metric & Record<string, number>, gold: mean(gold) };
  });
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
