/** Where rewards come from: a reward model, or any function of a prompt and an answer. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChatMessage } from '@parley/contracts';
import { hashFile, loadModel } from '@parley/lm/checkpoint';
import { measureScores, type Rollout } from '@parley/lm/episodes';
import { type Llama, scoresTexts } from '@parley/lm/models';

/** @param prompt the last message of the user */
export type RewardFunction = (prompt: string, answer: string) => number | Promise<number>;

export interface RewardSource {
  /** Identifies what gives the rewards, so that a resumed run goes on with the same. */
  readonly identity: string;
  /** The reward model, from which a critic begins; null for a function. */
  readonly model: Llama | null;
  /**
   * One reward per answer, in their order.
   * @throws Error that names the first reward that is not a finite number, and what it was given for
   */
  score(prompts: readonly (readonly ChatMessage[])[], rollouts: readonly Rollout[]): Promise<Float32Array>;
}

/**
 * @param recipe.rewardModel folder of a reward model; or
 * @param recipe.reward file whose default export is a RewardFunction
 * @param tokenizerHash of the policy, which the reward model must share
 * @throws Error when neither or both are given, or they cannot serve
 */
export async function openRewardSource(
  recipe: { rewardModel: string; reward: string; tokens: number },
  tokenizerHash: string,
  given?: RewardFunction,
): Promise<RewardSource> {
  if (given) return functionSource(given, 'a function', 'function');
  if ((recipe.rewardModel === '') === (recipe.reward === '')) {
    throw new Error('rewards must come from one place: give either --reward-model FOLDER or --reward FILE.ts');
  }
  if (recipe.reward !== '') return importFunction(recipe.reward);
  const { model, manifest } = loadModel(recipe.rewardModel);
  if (!scoresTexts(model.config)) {
    throw new Error(
      `${recipe.rewardModel} continues texts and gives no rewards; make a reward model with \`parley reward\``,
    );
  }
  if (manifest.tokenizerHash !== tokenizerHash) {
    throw new Error(
      `${recipe.rewardModel} reads with another tokenizer than the policy writes with; ` +
        'train it from the same fine-tuned model',
    );
  }
  return {
    identity: manifest.weightsHash,
    model,
    async score(prompts, rollouts) {
      const scores = measureScores(model, rollouts, recipe.tokens);
      check(scores, prompts, rollouts, `the reward model in ${recipe.rewardModel}`);
      return scores;
    },
  };
}

async function importFunction(file: string): Promise<RewardSource> {
  const path = resolve(file);
  if (!existsSync(path)) throw new Error(`there is no file ${file}; --reward takes a .ts or .js file`);
  const imported: { default?: unknown } = await import(pathToFileURL(path).href);
  if (typeof imported.default !== 'function') {
    throw new Error(
      `${file} has no default export that is a function; write: export default (prompt: string, answer: string) => 0`,
    );
  }
  return functionSource(imported.default as RewardFunction, file, hashFile(path));
}

function functionSource(reward: RewardFunction, name: string, identity: string): RewardSource {
  return {
    identity,
    model: null,
    async score(prompts, rollouts) {
      const scores = new Float32Array(rollouts.length);
      for (const [index, { text }] of rollouts.entries()) {
        const prompt = prompts[index]!.at(-1)!.content;
        try {
          scores[index] = await reward(prompt, text);
        } catch (cause) {
          throw new Error(
            `the reward in ${name} threw for prompt ${show(prompt)} and answer ${show(text)}: ${(cause as Error).message}`,
            { cause },
          );
        }
      }
      check(scores, prompts, rollouts, `the reward in ${name}`);
      return scores;
    },
  };
}

function check(
  scores: Float32Array,
  prompts: readonly (readonly ChatMessage[])[],
  rollouts: readonly Rollout[],
  source: string,
): void {
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0) {
    throw new Error(
      `${source} gave ${scores[bad]} for prompt ${show(prompts[bad]!.at(-1)!.content)} and answer ` +
        `${show(rollouts[bad]!.text)}; it must give a finite number for every answer`,
    );
  }
}

const show = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
