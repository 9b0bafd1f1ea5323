export { answerReserve, buildChatPrompt, type ChatPrompt } from './chat-prompt.ts';
export { ContextLengthError } from './context-length-error.ts';
export {
  type Generation,
  type GenerationRequest,
  Generator,
  type GeneratorOptions,
} from './generator.ts';
export type { LogitAdjustments } from './logit-adjustments.ts';
export { embedText, scoreText, type TokenScore } from './reading.ts';
