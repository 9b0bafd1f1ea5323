/** Messages as clients send them: with roles of two generations, and content that may come in parts. */
import type { ChatCompletionRequest, ChatMessage } from '@parley/contracts';
import { HttpError } from '../http/errors.ts';

const textParts = ['text', 'input_text', 'output_text'];

/**
 * @param field where the message's content lies in the request
 * @throws HttpError 400 for a part that is not text
 */
export function toChatMessage(
  { role, content }: ChatCompletionRequest['messages'][number],
  field: string,
): ChatMessage {
  return { role: role === 'developer' ? 'system' : role, content: textOf(content, field) };
}

function textOf(content: string | { type: string; text?: string }[], field: string): string {
  if (typeof content === 'string') return content;
  const texts = content.map(({ type, text }, part) => {
    if (textParts.includes(type) && text !== undefined) return text;
    const param = `${field}[${part}]`;
    throw new HttpError(400, 'unsupported_content', `${param}: this model reads text only, not '${type}'.`, { param });
  });
  return texts.join('\n');
}
