/**
 * Training a tokenizer: the most frequent pairs of bytes become tokens (lm/tokenizer/train.ts tells how). The
 * state is saved every few seconds; a killed training goes on from there to the same bytes of tokenizer.json.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { TokenizerRecipe } from '@parley/contracts';
import { Progress, RunDirectory, writeFileAtomic, writeReport } from '@parley/lm/checkpoint';
import { type Tokenizer, type TrainingProgress, trainTokenizerInSteps } from '@parley/lm/tokenizer';
import { breathe, interruptible, StoppedError } from './interruption.ts';
import { finishedReport, type RunOptions } from './run-options.ts';
import { identifyData, trainingPieces } from './text-source.ts';

export interface TokenizerReport {
  seconds: number;
  vocabulary: number;
  documents: number;
  megabytes: number;
  hash: string;
}

const saveEverySeconds = 1;

/** Trains until done or asked to stop (StoppedError); the same call goes on with an unfinished run. */
export async function tokenizer(recipe: TokenizerRecipe, options: RunOptions = {}): Promise<TokenizerReport> {
  const dataHash = identifyData(recipe.data).hash;
  const run = RunDirectory.open(recipe.out, { ...recipe, dataHash }, ['out', 'data']);
  try {
    if (run.finished) return finishedReport<TokenizerReport>(run, options);
    return await interruptible((stop) => train(recipe, run, stop, options));
  } finally {
    run.close();
  }
}

async function train(
  recipe: TokenizerRecipe,
  run: RunDirectory,
  stop: AbortSignal,
  { quiet = false }: RunOptions,
): Promise<TokenizerReport> {
  const started = performance.now();
  const statePath = run.path('checkpoints', 'tokenizer.state');
  const training = trainTokenizerInSteps({
    texts: trainingPieces(recipe.data),
    vocabulary: recipe.vocabulary,
    checkpoint: {
      load: () => (existsSync(statePath) ? readFileSync(statePath) : null),
      save: (state) => writeFileAtomic(statePath, state),
      everySeconds: saveEverySeconds,
    },
  });

  const progress = new Progress('tokenizer', recipe.vocabulary, { quiet });
  let last: TrainingProgress | undefined;
  let trained: Tokenizer | undefined;
  while (!trained) {
    const step = training.next();
    if (step.done) {
      trained = step.value;
      break;
    }
    if (step.value.phase === 'merging') {
      if (last?.phase !== 'merging') progress.note(`counted ${step.value.megabytes.toFixed(1)} MB of text`);
      progress.update({ step: step.value.vocabulary });
    }
    last = step.value;
    await breathe();
    if (stop.aborted) {
      progress.end();
      throw new StoppedError(`stopped while ${last.phase}; the same command goes on from its last saved state`);
    }
  }

  trained.save(run.folder);
  const figures = {
    seconds: Number(((performance.now() - started) / 1000).toFixed(2)),
    vocabulary: trained.vocabulary,
    documents: last?.documents ?? 0,
    megabytes: last?.megabytes ?? 0,
    hash: trained.hash,
  };
  const notes =
    trained.vocabulary < recipe.vocabulary
      ? [`The text ran out of pairs that occur twice before ${recipe.vocabulary} tokens were found.`]
      : [];
  writeReport(run.folder, { title: 'Tokenizer', figures, notes });
  rmSync(statePath, { force: true });
  progress.note(`${trained.vocabulary} tokens in ${run.folder}`);
  return figures;
}
