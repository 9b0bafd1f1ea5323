/**
 * The second half of the loop: from a fine-tuned model to one that does what is preferred, in several rounds.
 *
 *     policy ─ answers ─ rankings ─┐                                    (rankings-1, rankings-2, …)
 *        ↑              people's ──┴─ snapshot ─ reward model ─ PPO ─┐  (reward-1, ppo-1, …)
 *        └───────────────────────────────────────────────────────────┘
 *
 * What people have ranked is in every snapshot. They cannot be asked while a program runs, so the newest policy's
 * answers are ranked by the simulated labeller (simulated-labeller.ts), and the report says so. Every reward model
 * starts from the fine-tuned model and learns from all rankings so far; every policy is held near the fine-tuned model.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type PolicyReport,
  ppoRecipeSchema,
  type RankReport,
  type RewardReport,
  rewardRecipeSchema,
} from '@parley/contracts';
import { DiskFullError, loadModel, RunConfigError, RunLockedError, writeFileAtomic } from '@parley/lm/checkpoint';
import { readDemonstrations, readPreferences, takeSnapshot } from '@parley/lm/data';
import { StoppedError } from './interruption.ts';
import { questionsByTask, splitForAlignment, thatFit } from './known-answers.ts';
import { ppo } from './ppo.ts';
import type { Preset } from './presets/index.ts';
import { rank } from './rank.ts';
import { reward } from './reward.ts';
import type { RunOptions } from './run-options.ts';

export interface AlignRecipe {
  /** Folder of the fine-tuned model. */
  model: string;
  /** Data folder whose training demonstrations are asked about. */
  data: string;
  /** What people preferred: a .jsonl file or a snapshot; '' for none. */
  preferences: string;
  /** Folder for the stages of all rounds. */
  out: string;
  preset: Preset & Required<Pick<Preset, 'align'>>;
  threads: number;
  seed: number;
}

export interface Alignment {
  rankings: RankReport[];
  rewards: (RewardReport & { model: string })[];
  policies: (PolicyReport & { model: string })[];
  /** What ended it before its last round. */
  failure?: string;
}

/**
 * Runs every round that is not finished. A stage that fails, such as a policy that runs away, ends the alignment with
 * what there is and is told in `failure`.
 * @throws what does not lie in the learning: Ctrl-C, a full disk, a directory of another run
 */
export async function align(recipe: AlignRecipe, { quiet = false, name = 'model' }: RunOptions): Promise<Alignment> {
  const { model: fineTuned, data, out, preset, threads, seed } = recipe;
  const { iterations, questions, answers } = preset.align;
  const at = (...names: string[]) => join(out, ...names);
  const shared = { threads, seed };
  const done: Alignment = { rankings: [], rewards: [], policies: [] };
  const maxTokens = ppoRecipeSchema.shape.maxTokens.parse(preset.ppo?.maxTokens);
  let stage = 'prompts';
  try {
    writePrompts(recipe, maxTokens);
    let policy = fineTuned;
    for (let round = 1; round <= iterations; round++) {
      stage = `rankings-${round}`;
      const skip = (round - 1) * questions;
      const ranked = { model: policy, data, out: at(stage), questions, skip, answers, maxTokens };
      done.rankings.push(await rank({ ...ranked, ...shared }, { quiet }));
      const own = Array.from({ length: round }, (_, index) => at(`rankings-${index + 1}`, 'rankings.jsonl'));
      const snapshot = takeSnapshot(at('snapshots'), [], [...peoplesFile(recipe.preferences), ...own]);

      stage = `reward-${round}`;
      const judged = await reward(
        rewardRecipeSchema.parse({
          ...preset.reward,
          ...shared,
          model: fineTuned,
          preferences: snapshot.folder,
          demonstrations: at('demonstrations.jsonl'),
          out: at(stage),
        }),
        { quiet, name: `${name}-${stage}` },
      );
      done.rewards.push({ ...judged, model: at(stage, 'model') });

      stage = `ppo-${round}`;
      const improved = await ppo(
        ppoRecipeSchema.parse({
          ...preset.ppo,
          ...shared,
          seed: seed + round - 1,
          model: policy,
          reference: fineTuned,
          rewardModel: at(`reward-${round}`, 'model'),
          prompts: at('prompts.jsonl'),
          out: at(stage),
          // A weight for text asks for it (PPO-ptx).
          pretraining: preset.ppo?.pretrainingWeight ? data : '',
        }),
        { quiet, name: `${name}-${stage}` },
      );
      policy = at(stage, 'model');
      done.policies.push({ ...improved, model: policy });
    }
  } catch (error) {
    if (outside.some((kind) => error instanceof kind)) throw error;
    done.failure = `${stage}: ${(error as Error).message}`;
    if (!quiet) process.stderr.write(`${done.failure}\nthe loop goes on with the models that there are\n`);
  }
  return done;
}

/** Whose cause is not in the learning: the same command goes on when it is removed. */
const outside = [StoppedError, DiskFullError, RunConfigError, RunLockedError];

/** A prompt of PPO is any question that could be ranked, and whatever people were asked to judge answers to. */
function writePrompts({ model, data, preferences, out, preset, seed }: AlignRecipe, maxTokens: number): void {
  const { model: loaded, tokenizer } = loadModel(model);
  const room = { context: loaded.config.max_position_embeddings, maxTokens };
  const { asked } = splitForAlignment(thatFit(readDemonstrations(data, 'train'), tokenizer, room));
  const perTask = preset.align.iterations * preset.align.questions;
  const questions = interleaved([...questionsByTask(asked, { items: perTask, seed }).values()]);
  if (questions.length === 0) {
    throw new Error(`no demonstration of ${data} has a known answer that fits into ${maxTokens} tokens`);
  }
  const peoples = preferences === '' ? { comparisons: [], judgements: [] } : readPreferences(preferences);
  const judged = [...peoples.comparisons, ...peoples.judgements].map(({ prompt }) => ({ prompt }));
  writeLines(join(out, 'demonstrations.jsonl'), questions);
  writeLines(join(out, 'prompts.jsonl'), [...questions, ...judged]);
}

/** The first of each list, then the second of each: the beginning of the result has something of all. */
function interleaved<Item>(lists: readonly Item[][]): Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

function writeLines(file: string, lines: readonly object[]): void {
  writeFileAtomic(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

const peoplesFile = (preferences: string): string[] => {
  if (preferences === '') return [];
  return [statSync(preferences).isDirectory() ? join(preferences, 'preferences.jsonl') : preferences];
};
