/**
 * Where the studies in the little world of gold-task.ts begin: people demonstrate, and a model learns to speak from
 * that alone. What follows improves this fine-tuned model.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { modelConfigSchema, sftRecipeSchema } from '@parley/contracts';
import { Random } from '@parley/engine';
import { saveModel, writeFileAtomic } from '@parley/lm/checkpoint';
import { Llama } from '@parley/lm/models';
import { trainTokenizer } from '@parley/lm/tokenizer';
import { sft } from '../sft.ts';
import { demonstrate, type Question, questionsOf } from './gold-task.ts';

export interface GoldStart {
  /** Questions to learn from, and those about other things. */
  asked: Question[];
  heldOut: Question[];
  /** Files: the demonstrations, and the questions to learn from. */
  demonstrations: string;
  prompts: string;
  /** Folder of the fine-tuned model. */
  fineTuned: string;
}

/** Makes it in `folder`; what is there already is not made again. */
export async function makeGoldStart(folder: string, seed: number): Promise<GoldStart> {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const random = new Random(seed * 1000);
  const [asked, heldOut] = [questionsOf(false), questionsOf(true)];
  const demonstrations = Array.from({ length: 3000 }, (_, index) => demonstrate(asked[index % asked.length]!, random));
  writeLines(at('demonstrations.jsonl'), demonstrations);
  writeLines(
    at('prompts.jsonl'),
    asked.map(({ prompt }) => ({ prompt })),
  );
  writeUntrained(
    at('start'),
    demonstrations.map(({ messages }) => messages.map(({ content }) => content).join('\n')),
    seed,
  );
  await sft(
    sftRecipeSchema.parse({
      ...{ model: at('start'), data: at('demonstrations.jsonl'), out: at('sft'), seed },
      ...{ batch: 16, epochs: 6, learningRate: 2e-3, warmup: 20, evaluateEvery: 1000, checkpointEvery: 200 },
    }),
    { quiet: true },
  );
  return {
    ...{ asked, heldOut },
    ...{ demonstrations: at('demonstrations.jsonl'), prompts: at('prompts.jsonl'), fineTuned: at('sft/model') },
  };
}

/** A language model that knows nothing yet, with a vocabulary of the demonstrations' language. */
function writeUntrained(folder: string, texts: string[], seed: number): void {
  if (existsSync(folder)) return;
  const tokenizer = trainTokenizer({ texts, vocabulary: 512 });
  const model = new Llama(
    modelConfigSchema.parse({
      ...{ vocab_size: tokenizer.vocabulary, hidden_size: 128, intermediate_size: 384, num_hidden_layers: 3 },
      ...{ num_attention_heads: 4, num_key_value_heads: 4, head_dim: 32, max_position_embeddings: 96 },
    }),
    new Random(seed),
  );
  const lineage = {
    name: 'start',
    stage: 'pretrain',
    parent: null,
    data: null,
    recipe: {},
    seed,
    metrics: {},
  } as const;
  saveModel(folder, model, tokenizer, lineage);
}

export function writeLines(file: string, lines: readonly object[]): void {
  writeFileAtomic(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
