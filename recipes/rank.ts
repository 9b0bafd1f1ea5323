/**
 * Rankings for a reward model to learn from, where there are no people: a model answers questions whose right answers
 * are known, several times each, and the simulated labeller puts its answers and the known one in order.
 */
import type { Demonstration, RankReport } from '@parley/contracts';
import { setPrecision, setThreads } from '@parley/engine';
import { loadModel, Progress, RunDirectory, writeFileAtomic, writeReport } from '@parley/lm/checkpoint';
import { languageOf, readDemonstrations } from '@parley/lm/data';
import { encodePrompt, rollOut } from '@parley/lm/episodes';
import { Generator } from '@parley/lm/generate';
import { questionsByTask, splitForAlignment, thatFit } from './known-answers.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { best, qualityOf, ranksOf } from './simulated-labeller.ts';
import { identifyData } from './text-source.ts';

export interface RankRecipe {
  /** Folder of the model that answers. */
  model: string;
  /** Data folder whose training demonstrations are the questions. */
  data: string;
  out: string;
  /** Questions of each task, and how many of each earlier rounds had. */
  questions: number;
  skip: number;
  /** Answers to each question, 2..9. */
  answers: number;
  /** Longest answer in tokens. */
  maxTokens: number;
  threads: number;
  seed: number;
}

const slots = 128;

/** Writes `rankings.jsonl`; a run that was killed begins again and writes the same. */
export async function rank(recipe: RankRecipe, options: RunOptions = {}): Promise<RankReport> {
  const started = performance.now();
  const { model, tokenizer, manifest } = loadModel(recipe.model);
  const config = { ...recipe, modelHash: manifest.weightsHash, dataHash: identifyData(recipe.data).hash };
  const run = RunDirectory.open(recipe.out, config, ['out', 'data', 'model', 'threads']);
  try {
    if (run.finished) return finishedReport<RankReport>(run, options);
    setPrecision('bf16');
    if (recipe.threads > 0) setThreads(recipe.threads);
    const { maxTokens, seed } = recipe;
    const progress = new Progress('rank', 1, options);
    const room = { context: model.config.max_position_embeddings, maxTokens };
    const { asked } = splitForAlignment(thatFit(readDemonstrations(recipe.data, 'train'), tokenizer, room));
    const perTask = questionsByTask(asked, { items: recipe.questions, skip: recipe.skip, seed });
    const questions = [...perTask.values()].flat();
    const repeated = questions.flatMap((question) => Array.from({ length: recipe.answers }, () => question));
    const prompts = repeated.map(({ messages }) =>
      encodePrompt(tokenizer, messages.slice(0, -1), { context: room.context, reserve: maxTokens }),
    );
    const rollouts = await rollOut(new Generator(model, tokenizer, { slots }), prompts, {
      maxTokens,
      seed: seed * 7919,
    });
    const written = rollouts.map((rollout, index) => ({ ...rollout, quality: qualityOf(repeated[index]!, rollout) }));

    const ranked = questions.flatMap((question, index) => {
      const own = written.slice(index * recipe.answers, (index + 1) * recipe.answers);
      return rankAnswers(question, own, manifest) ?? [];
    });
    if (ranked.length === 0) {
      throw new Error(
        `${repeated.length} answers of ${recipe.model} to ${questions.length} questions tell nothing: ` +
          'all answers to a question are equally good; take a model that was fine-tuned for longer',
      );
    }
    writeFileAtomic(run.path('rankings.jsonl'), ranked.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const share = (holds: (answer: (typeof written)[number]) => boolean) =>
      written.filter(holds).length / Math.max(1, written.length);
    const report: RankReport = {
      seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
      labellers: 'simulated',
      questions: questions.length,
      rankings: ranked.length,
      chinese: ranked.filter(({ prompt }) => languageOf(prompt.at(-1)!.content) === 'zh').length,
      right: share(({ quality }) => quality === best),
      ended: share(({ ended }) => ended),
    };
    writeReport(run.folder, {
      title: 'Rankings by simulated labellers',
      figures: report,
      notes: [
        'Nobody has ranked answers here. The labeller knows the right answers and prefers a right answer, then one that ' +
          'has more of it, ends by itself, is in its language and does not repeat itself.',
      ],
    });
    progress.note(
      `${ranked.length} rankings by simulated labellers of ${recipe.answers} answers each, ` +
        `${(100 * report.right).toFixed(0)} % of them right`,
    );
    return report;
  } finally {
    run.close();
  }
}

/** Null where all answers are the same or equally good. */
function rankAnswers(
  demonstration: Demonstration,
  written: readonly { text: string; quality: number }[],
  model: { name: string; weightsHash: string },
) {
  const { messages } = demonstration;
  const shown = { text: messages.at(-1)!.content, quality: best };
  const distinct = [...new Map([...written, shown].map((answer) => [answer.text, answer])).values()];
  const ranking = ranksOf(distinct.map(({ quality }) => quality));
  if (new Set(ranking).size < 2) return null;
  const { name, weightsHash } = model;
  return {
    prompt: messages.slice(0, -1),
    answers: distinct.map(({ text }) => text),
    ranking,
    author: 'simulated',
    model: { name, weightsHash },
  };
}
