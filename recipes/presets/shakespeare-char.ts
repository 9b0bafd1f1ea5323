import type { Preset } from './preset.ts';

/**
 * nanoGPT's CPU run on tiny Shakespeare (its README: loss 1.88 after about three minutes on a laptop). The
 * SwiGLU width is chosen so that a block has as many parameters as its 4x GELU block.
 */
export const shakespeareChar: Preset = {
  summary: "nanoGPT's CPU configuration on characters",
  pretrain: {
    tokenizer: 'characters',
    depth: 4,
    width: 128,
    heads: 4,
    keyValueHeads: 4,
    intermediate: 344,
    context: 64,
    batch: 12,
    steps: 2000,
    learningRate: 1e-3,
    floor: 0.1,
    schedule: 'cosine',
    warmup: 100,
    beta2: 0.99,
    weightDecay: 0.1,
    clip: 1,
    evaluateEvery: 250,
    checkpointEvery: 500,
  },
};
