export { arenaStatistics } from './arena.ts';
export { BYTE_PAIR_IDS, BytePairEncoder, type CharacterClasses } from './byte-pair.ts';
export {
  cpuFeatures,
  measureBandwidth,
  measurePeak,
  type Precision,
  precision,
  setPrecision,
  setThreads,
  threads,
  type WeightFormat,
} from './native/addon.ts';
export { fillConstant, fillNormal } from './nn/initialize.ts';
export { ParameterSet, type ParameterSpec } from './nn/parameter-set.ts';
export { type AttentionOptions, attention } from './ops/attention.ts';
export { type CachedAttentionOptions, cachedAttention } from './ops/cached-attention.ts';
export { crossEntropy } from './ops/cross-entropy.ts';
export { add, mean, multiply, scale, sum } from './ops/elementwise.ts';
export { embedding } from './ops/embedding.ts';
export { type CacheFormat, KeyValueCache, type KeyValueCacheOptions } from './ops/key-value-cache.ts';
export { knownGradient } from './ops/known-gradient.ts';
export { linear, roundedLinear } from './ops/linear.ts';
export { normedLinear, normedSwiglu } from './ops/normed-linear.ts';
export { rmsNorm } from './ops/rms-norm.ts';
export { swiglu } from './ops/swiglu.ts';
export { tokenLogProbabilities } from './ops/token-log-probabilities.ts';
export { type SamplingSettings, TokenSampler } from './ops/token-sampler.ts';
export { AdamW, type AdamWOptions } from './optim/adamw.ts';
export { learningRateAt, type Schedule } from './optim/schedule.ts';
export { Random } from './random.ts';
export { Replay } from './replay.ts';
export { backward, checkpoint, inference, scope } from './tape.ts';
export { type Storage, Tensor, tensor } from './tensor.ts';
