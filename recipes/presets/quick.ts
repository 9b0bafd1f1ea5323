import type { Preset } from './preset.ts';

/**
 * From packages to a model that one can talk to within a quarter of an hour on two cores. Small on purpose: with so
 * little compute, more tokens through 2.6 million parameters teach more than fewer through twice as many.
 */
export const quick: Preset = {
  summary: 'the whole loop in a quarter of an hour on two cores',
  data: 'quick',
  tokenizer: { vocabulary: 4096 },
  pretrain: {
    depth: 4,
    width: 192,
    heads: 3,
    keyValueHeads: 3,
    context: 256,
    batch: 8,
    steps: 2000,
    learningRate: 2.5e-3,
    warmup: 100,
    schedule: 'wsd',
    decayShare: 0.4,
    floor: 0.02,
    evaluateEvery: 200,
    checkpointEvery: 200,
  },
  sft: { batch: 8, epochs: 1.5, learningRate: 1.2e-3, warmup: 40, evaluateEvery: 200, checkpointEvery: 200 },
  align: { iterations: 2, questions: 80, answers: 3 },
  reward: { learningRate: 1e-3, batch: 16, checkpointEvery: 100 },
  ppo: {
    steps: 12,
    batch: 256,
    epochs: 1,
    minibatches: 2,
    maxTokens: 64,
    beta: 0.1,
    learningRate: 2e-4,
    valueRate: 1e-3,
    noEndScore: -3,
    checkpointEvery: 5,
  },
  evaluate: { items: 40 },
};
