import type { Preset } from './preset.ts';

/** Seconds, not minutes: shows that the whole loop runs. What it trains cannot answer anything. */
export const tiny: Preset = {
  summary: 'the whole loop in a minute, to see that it runs',
  data: 'quick',
  tokenizer: { vocabulary: 512 },
  pretrain: {
    depth: 2,
    width: 64,
    heads: 2,
    keyValueHeads: 2,
    context: 128,
    batch: 8,
    steps: 60,
    learningRate: 3e-3,
    warmup: 10,
    evaluateEvery: 20,
    checkpointEvery: 20,
  },
  sft: { batch: 8, epochs: 0.05, learningRate: 2e-3, warmup: 5, evaluateEvery: 20, checkpointEvery: 20 },
  evaluate: { items: 5 },
};
