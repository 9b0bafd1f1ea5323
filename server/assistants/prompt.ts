/**
 * What an assistant adds to the prompt: its instructions and the passages found, as the system message.
 *
 * Room is short with a small model, so the frame around the passages is one line, and as many passages stay as fit
 * beside the question and the room for the answer; turns of long ago make way for them.
 */
import type { ChatMessage } from '@parley/contracts';

interface Grounded {
  messages: ChatMessage[];
  /** The first so many passages are in them. */
  used: number;
}

/**
 * @param messages the conversation, oldest first; a system message may come first
 * @param passages best first
 * @param tokensOf how long a prompt of these messages is
 * @param room tokens that the prompt may have
 */
export function addPassages(
  messages: readonly ChatMessage[],
  passages: readonly string[],
  tokensOf: (messages: readonly ChatMessage[]) => number,
  room: number,
): Grounded {
  const [first] = messages;
  const instructions = first?.role === 'system' ? first.content : '';
  const turns = instructions === '' ? messages : messages.slice(1);
  const question = turns.at(-1);
  for (let used = passages.length; used > 0 && question; used--) {
    const system = systemMessage(instructions, passages.slice(0, used), question.content);
    if (tokensOf([system, question]) <= room) return { messages: [system, ...turns], used };
  }
  return { messages: [...messages], used: 0 };
}

function systemMessage(instructions: string, passages: readonly string[], question: string): ChatMessage {
  const frame = /\p{Script=Han}/u.test(question)
    ? '根据以下资料回答，用[1]这样的编号注明出处：'
    : 'Answer from these passages and cite them like [1]:';
  const numbered = passages.map((passage, index) => `[${index + 1}] ${passage.replace(/\s+/g, ' ')}`);
  return { role: 'system', content: [...(instructions ? [instructions] : []), frame, ...numbered].join('\n') };
}
