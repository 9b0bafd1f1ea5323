import type { Preset } from './preset.ts';

/** The model that ships with Parley: what about an hour and a half of two idle cores gives. */
export const assistant: Preset = {
  summary: 'the shipped model: ten million parameters, an hour and a half on two cores',
  data: 'assistant',
  tokenizer: { vocabulary: 8192 },
  pretrain: {
    depth: 6,
    width: 320,
    heads: 5,
    keyValueHeads: 5,
    context: 512,
    batch: 8,
    steps: 2400,
    learningRate: 1.5e-3,
    warmup: 100,
    schedule: 'wsd',
    decayShare: 0.35,
    floor: 0.02,
    evaluateEvery: 200,
    checkpointEvery: 100,
  },
  sft: {
    batch: 8,
    epochs: 2,
    learningRate: 1e-3,
    warmup: 50,
    evaluateEvery: 300,
    checkpointEvery: 100,
    weights: 'bf16',
  },
  evaluate: { items: 100 },
};
