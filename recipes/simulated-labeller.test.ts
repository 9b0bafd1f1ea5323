import type { Demonstration } from '@parley/contracts';
import { expect, test } from 'vitest';
import { qualityOf, ranksOf, sameLanguage } from './simulated-labeller.ts';

const demonstration = (question: string, ...answers: string[]): Demonstration => ({
  id: question,
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: answers[0]! },
  ],
  language: 'en',
  task: 'test',
  source: 'invented',
  answers,
});
const capital = demonstration('What is the capital of France?', 'The capital of France is Paris.', 'Paris');
const written = (text: string, ended = true) => ({ text, ended });

test('a right answer is worth 2, whichever of the accepted ones it is', () => {
  expect(qualityOf(capital, written('paris'))).toBe(2);
  expect(qualityOf(capital, written('The capital of France is Paris'))).toBe(2);
  expect(qualityOf(demonstration('How many?', '4'), written('4'))).toBe(2);
});

test('of wrong answers, more of the right one is better', () => {
  const grade = (text: string) => qualityOf(capital, written(text));
  expect(grade('The capital of France is Lyon.')).toBeGreaterThan(grade('I like trains and books.'));
  for (const text of ['The capital of France is Lyon.', '', 'x']) {
    expect(grade(text)).toBeLessThan(1);
    expect(grade(text)).toBeGreaterThanOrEqual(-1);
  }
});

test('what does not end, changes the language or repeats itself is worse', () => {
  const base = qualityOf(capital, written('The capital of France is Lyon.'));
  expect(qualityOf(capital, written('The capital of France is Lyon.', false))).toBeCloseTo(base - 1, 9);
  expect(qualityOf(capital, written('法国的首都是里昂。'))).toBeLessThan(-0.5);
  expect(qualityOf(capital, written('The capital of France is Lyon is Lyon is Lyon is Lyon.'))).toBeLessThan(base);
});

test('the language of the known answer counts', () => {
  const translation = demonstration('“水”用英语怎么说？', 'water');
  expect(sameLanguage(translation, 'fire')).toBe(true);
  expect(sameLanguage(translation, '火')).toBe(false);
  expect(qualityOf(translation, written('water'))).toBe(2);
});

test('answers of the same grade share a rank', () => {
  expect(ranksOf([0.5, 2, 0.6, -1])).toEqual([2, 1, 2, 4]);
});
