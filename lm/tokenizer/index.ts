export { characterTokenizer } from './characters.ts';
export type { RenderedChat } from './chat.ts';
export { SPLIT_PATTERN } from './split.ts';
export { type StreamDecoder, Tokenizer } from './tokenizer.ts';
export {
  type TrainingCheckpoint,
  type TrainingOptions,
  type TrainingProgress,
  trainTokenizer,
  trainTokenizerInSteps,
} from './train.ts';
