import { expect, test } from 'vitest';
import { countLetters, endsInLoop, isOtherLanguage } from './whole-text.ts';

test('a loop is the same words four times and more, at the end', () => {
  expect(endsInLoop(`So it is. ${'I am a fox and a dog and so on, you see. '.repeat(5)}`)).toBe(true);
  expect(endsInLoop('哈'.repeat(120))).toBe(true);
  expect(endsInLoop('我是一个助手，很高兴为你服务，请问有什么可以帮你的吗？还有别的问题吗？'.repeat(4))).toBe(true);
  expect(endsInLoop(`${'I am a fox and a dog and so on, you see. '.repeat(5)} But then it ended well.`)).toBe(false);
});

test('what is not words, or not often enough, is no loop', () => {
  expect(endsInLoop('-'.repeat(400))).toBe(false);
  expect(endsInLoop('| --- | --- | --- |'.repeat(20))).toBe(false);
  expect(endsInLoop('row, row, row, row your boat')).toBe(false);
  expect(endsInLoop(Array.from({ length: 60 }, (_, index) => `${index}. item\n`).join(''))).toBe(false);
});

test('an answer in the other language is told, unless the question is about languages', () => {
  const isOther = (question: string, answer: string) => isOtherLanguage(question, countLetters(answer));
  expect(isOther('今天天气怎么样？', 'The weather is fine today.')).toBe(true);
  expect(isOther('What is the weather like?', '今天天气很好，适合散步。')).toBe(true);
  expect(isOther('请把“天气”翻译一下', 'Weather, that is.')).toBe(false);
  expect(isOther('What is the weather like?', 'Fine. In Shanghai (上海) it rains.')).toBe(false);
  expect(isOther('你好', 'Hi')).toBe(false);
  expect(isOther('???', '今天天气很好')).toBe(false);
});
