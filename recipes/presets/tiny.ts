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
  align: { iterations: 1, questions: 20, answers: 3 },
  reward: { learningRate: 1e-3, batch: 8 },
  ppo: { steps: 3, batch: 16, maxTokens: 24, noEndScore: -3, checkpointEvery: 2 },
  evaluate: { items: 5 },
};
