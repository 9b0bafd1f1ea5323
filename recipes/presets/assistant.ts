import type { Preset } from './preset.ts';

/** The model that ships with Parley: the best that a few hours of two cores give. */
export const assistant: Preset = {
  summary: 'the shipped model: about ten million parameters, a few hours on two cores',
  data: 'assistant',
  tokenizer: { vocabulary: 8192 },
  pretrain: {
    depth: 6,
    width: 320,
    heads: 5,
    keyValueHeads: 5,
    context: 512,
    batch: 16,
    steps: 6000,
    learningRate: 1.5e-3,
    warmup: 200,
    schedule: 'wsd',
    decayShare: 0.4,
    floor: 0.02,
    evaluateEvery: 250,
    checkpointEvery: 250,
  },
  sft: { batch: 16, epochs: 3, learningRate: 6e-4, warmup: 50, evaluateEvery: 200, checkpointEvery: 200 },
  evaluate: { items: 100 },
};
