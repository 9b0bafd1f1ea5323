export { buildChatPrompt, type ChatPrompt } from './chat-prompt.ts';
export { ContextLengthError } from './context-length-error.ts';
export { type Generation, type GenerationRequest, Generator } from './generator.ts';
export type { TokenScore } from './sampler.ts';
