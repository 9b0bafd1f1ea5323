export { type Architecture, deriveArchitecture, deriveTraining } from './derive.ts';
export { forwardFlops } from './flops.ts';
export { type BatchLayout, cloneModel, countParameters, Llama, scoresTexts, toScorer } from './llama.ts';
