import { expect, it } from 'vitest';
import { checkAnswer } from './check-answer.ts';

const item = {
  messages: [{ role: 'assistant' as const, content: 'The capital of Peru is Lima.' }],
  answers: ['The capital of Peru is Lima.', 'Lima'],
};

it('accepts any of the answers whatever the case, the spaces and the closing mark', () => {
  for (const text of ['Lima', ' lima. ', '“Lima”', 'the capital of  Peru is Lima', 'LIMA！', 'Ｌｉｍａ']) {
    expect(checkAnswer(item, text), text).toBe(true);
  }
});

it('accepts nothing else', () => {
  for (const text of ['', 'Cusco', 'Lima or Cusco', 'Lima is not the capital'])
    expect(checkAnswer(item, text), text).toBe(false);
});

it('takes full-width digits as digits and keeps a minus sign', () => {
  const sum = { messages: item.messages, answers: ['-5'] };
  expect(checkAnswer(sum, '－５。')).toBe(true);
  expect(checkAnswer(sum, '5')).toBe(false);
});
