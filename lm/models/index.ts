export { type Architecture, deriveArchitecture, deriveTraining } from './derive.ts';
export { type BatchLayout, countParameters, Llama } from './llama.ts';
