import type { ChatMessage } from '@parley/contracts';
import { expect, test } from 'vitest';
import { addPassages } from './prompt.ts';

const characters = (messages: readonly ChatMessage[]) => messages.reduce((sum, { content }) => sum + content.length, 0);
const question: ChatMessage = { role: 'user', content: 'How long?' };
const earlier: ChatMessage[] = [
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi' },
];
const passages = ['Three years.', 'Thirty\ndays.', 'x'.repeat(500)];

test('as many passages as fit stand behind the instructions, numbered, each on a line', () => {
  const messages: ChatMessage[] = [{ role: 'system', content: 'Be brief.' }, ...earlier, question];
  const grounded = addPassages(messages, passages, characters, 200);
  expect(grounded.used).toBe(2);
  expect(grounded.messages[0]!.content).toBe(
    'Be brief.\nAnswer from these passages and cite them like [1]:\n[1] Three years.\n[2] Thirty days.',
  );
  expect(grounded.messages.slice(1)).toEqual([...earlier, question]);
});

test('without room, or without passages, nothing is added', () => {
  expect(addPassages([question], passages, characters, 20)).toEqual({ messages: [question], used: 0 });
  expect(addPassages([...earlier, question], [], characters, 1e6).messages).toEqual([...earlier, question]);
});

test('the frame speaks the language of the question', () => {
  const { messages } = addPassages([{ role: 'user', content: '保修多久？' }], ['三年。'], characters, 200);
  expect(messages[0]!.content).toContain('根据以下资料回答');
});
