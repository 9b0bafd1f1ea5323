import type { Preset } from './preset.ts';

/** From packages to a model that one can talk to within a quarter of an hour on two cores. */
export const quick: Preset = {
  summary: 'the whole loop in a quarter of an hour on two cores',
  data: 'quick',
  tokenizer: { vocabulary: 6144 },
  pretrain: {
    depth: 4,
    width: 256,
    heads: 4,
    keyValueHeads: 4,
    context: 256,
    batch: 8,
    steps: 1300,
    learningRate: 2e-3,
    warmup: 100,
    schedule: 'wsd',
    decayShare: 0.4,
    floor: 0.02,
    evaluateEvery: 200,
    checkpointEvery: 100,
  },
  sft: { batch: 8, epochs: 2, learningRate: 8e-4, warmup: 40, evaluateEvery: 100, checkpointEvery: 100 },
  evaluate: { items: 40 },
};
