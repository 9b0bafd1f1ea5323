/**
 * Every command, in the order in which a model is made. A command's module is loaded only when it is asked
 * for, so that `parley --help` never waits for the engine.
 */
import type { Command } from 'commander';

/** Adds flags, help and the action to a command that has its name and summary already. */
export type Define = (command: Command) => void;

export interface Entry {
  /** The words typed after `parley`, e.g. 'tokenizer train'. */
  words: string;
  summary: string;
  load: () => Promise<{ define: Define }>;
}

/** Commands of two words are gathered under their first. */
export const groups: Record<string, string> = {
  tokenizer: 'learn a vocabulary; turn text into token ids and back',
  data: 'gather the text and the conversations to learn from',
  study: 'experiments with the recipes, each with its report',
  bench: 'measure speed on this machine',
};

export const catalogue: Entry[] = [
  {
    words: 'tokenizer train',
    summary: 'learn a byte-level BPE vocabulary from text',
    load: () => import('./commands/tokenizer-train.ts'),
  },
  {
    words: 'tokenizer encode',
    summary: 'one JSON string a line in, one JSON array of token ids a line out',
    load: () => import('./commands/tokenizer-encode.ts'),
  },
  {
    words: 'tokenizer decode',
    summary: 'one JSON array of token ids a line in, one JSON string a line out',
    load: () => import('./commands/tokenizer-decode.ts'),
  },
  {
    words: 'data fetch',
    summary: 'download the packages that hold the text',
    load: () => import('./commands/data-fetch.ts'),
  },
  {
    words: 'data build',
    summary: 'clean the text, remove duplicates, write demonstrations and a data card',
    load: () => import('./commands/data-build.ts'),
  },
  {
    words: 'data snapshot',
    summary: 'freeze what people preferred, for a reward model to learn from',
    load: () => import('./commands/data-snapshot.ts'),
  },
  {
    words: 'pretrain',
    summary: 'train a language model from text',
    load: () => import('./commands/pretrain.ts'),
  },
  {
    words: 'sft',
    summary: 'fine-tune a pretrained model on conversations',
    load: () => import('./commands/sft.ts'),
  },
  {
    words: 'reward',
    summary: 'learn a reward model from rankings, pairs and thumbs',
    load: () => import('./commands/reward.ts'),
  },
  {
    words: 'ppo',
    summary: 'improve a model against a reward, by proximal policy optimisation',
    load: () => import('./commands/ppo.ts'),
  },
  {
    words: 'trpo',
    summary: 'the same by trust region steps',
    load: () => import('./commands/trpo.ts'),
  },
  {
    words: 'grpo',
    summary: 'the same by comparing answers to one prompt, without a critic',
    load: () => import('./commands/grpo.ts'),
  },
  {
    words: 'dpo',
    summary: 'improve a model from pairs of answers directly',
    load: () => import('./commands/dpo.ts'),
  },
  {
    words: 'evaluate',
    summary: 'measure a model on held-out text and tasks, beside another one',
    load: () => import('./commands/evaluate.ts'),
  },
  {
    words: 'loop',
    summary: 'all of it: data, tokenizer, pretraining, fine-tuning, reward model, PPO, evaluation',
    load: () => import('./commands/loop.ts'),
  },
  {
    words: 'study optimum',
    summary: 'whether PPO, TRPO, GRPO and DPO find the optimum, where it can be computed',
    load: () => import('./commands/study-optimum.ts'),
  },
  {
    words: 'study gold',
    summary: 'whether rankings alone make answers better, and where PPO goes too far',
    load: () => import('./commands/study-gold.ts'),
  },
  {
    words: 'study ppo-vs-trpo',
    summary: 'what PPO and TRPO make of the same answers, by sample, second and FLOP',
    load: () => import('./commands/study-ppo-vs-trpo.ts'),
  },
  {
    words: 'generate',
    summary: 'one answer, or with --raw one continuation',
    load: () => import('./commands/generate.ts'),
  },
  {
    words: 'chat',
    summary: 'talk to a model in the terminal',
    load: () => import('./commands/chat.ts'),
  },
  {
    words: 'serve',
    summary: "the chat page and OpenAI's API, from this machine",
    load: () => import('./commands/serve.ts'),
  },
  {
    words: 'backup',
    summary: 'everything that a server holds in one file, while it runs',
    load: () => import('./commands/backup.ts'),
  },
  {
    words: 'restore',
    summary: 'bring a backup back into an empty home',
    load: () => import('./commands/restore.ts'),
  },
  {
    words: 'bench train',
    summary: 'speed of a training step, beside the peak of this machine',
    load: () => import('./commands/bench-train.ts'),
  },
  {
    words: 'bench gemm',
    summary: 'speed of the matrix products, beside the peak of this machine',
    load: () => import('./commands/bench-gemm.ts'),
  },
  {
    words: 'bench decode',
    summary: 'speed of generation at a known model’s size, beside the read bandwidth of this machine',
    load: () => import('./commands/bench-decode.ts'),
  },
  {
    words: 'bench ppo',
    summary: 'speed of PPO: answers written, judged and learned from, and of generation at batch 1 and 64',
    load: () => import('./commands/bench-ppo.ts'),
  },
  {
    words: 'bench tokenizer',
    summary: 'speed of learning a vocabulary and of encoding text',
    load: () => import('./commands/bench-tokenizer.ts'),
  },
  {
    words: 'bench quality',
    summary: 'what 8-bit weights and an 8-bit cache cost, on held-out text',
    load: () => import('./commands/bench-quality.ts'),
  },
];
