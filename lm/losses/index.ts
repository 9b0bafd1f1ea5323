export { type Discounting, estimateAdvantages, whiten } from './advantages.ts';
export { conjugateGradient, dot } from './conjugate-gradient.ts';
export { clippedPolicyLoss, clippedValueLoss, divergencePenalty, ratioOf, type TokenLoss } from './policy-loss.ts';
export { directPreferenceLoss, rankedPairsOf, rankingLoss, sigmoid, thumbLoss } from './preference-loss.ts';
export { wilsonInterval } from './wilson-interval.ts';
