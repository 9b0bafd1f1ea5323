export { buildChatPrompt, type ChatPrompt } from './chat-prompt.ts';
export { ContextLengthError } from './context-length-error.ts';
export {
  type Generation,
  type GenerationRequest,
  Generator,
  type GeneratorOptions,
  type TokenScore,
} from './generator.ts';
