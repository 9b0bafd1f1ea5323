export { buildChatPrompt, type ChatPrompt } from './chat-prompt.ts';
export { ContextLengthError } from './context-length-error.ts';
export { type Generation, type GenerationRequest, Generator } from './generator.ts';
export { Sampler, type SamplerSettings, scoreToken, type TokenScore } from './sampler.ts';
