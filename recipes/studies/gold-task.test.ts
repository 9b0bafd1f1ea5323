import { Random } from '@parley/engine';
import { expect, test } from 'vitest';
import { demonstrate, goldReward, questionsOf, rankByLabeller } from './gold-task.ts';

test('things held out are asked about nowhere else', () => {
  const [learned, held] = [questionsOf(false), questionsOf(true)];
  expect(held.length * 3).toBe(learned.length);
  const things = new Set(learned.map(({ thing }) => thing));
  expect(held.every(({ thing }) => !things.has(thing))).toBe(true);
  for (const part of [learned, held]) expect(new Set(part.map(({ language }) => language)).size).toBe(2);
});

test('the gold reward is by the rules', () => {
  const en = questionsOf(true).find(({ thing }) => thing === 'cat')!;
  const zh = questionsOf(true).find(({ thing }) => thing === '猫')!;
  expect(goldReward(en, 'the cat is calm and old and soft, thank you for asking')).toBe(3.5);
  expect(goldReward(zh, '猫又平静又古老又柔软，谢谢你的提问')).toBe(3.5);
  expect(goldReward(en, 'the cat is calm')).toBe(1.5);
  expect(goldReward(en, 'the cat is calm and calm')).toBe(1);
  expect(goldReward(en, 'thank you for asking, thank you for asking')).toBe(0.5);
  expect(goldReward(en, 'i do not know')).toBe(-1);
  expect(goldReward(en, '猫又平静')).toBe(-1);
});

test('labellers agree with the gold reward the more, the less they err', () => {
  const random = new Random(1);
  const agreement = (noise: number) => {
    let [right, pairs] = [0, 0];
    for (const question of questionsOf(false)) {
      const answers = Array.from({ length: 4 }, () => demonstrate(question, random).messages.at(-1)!.content);
      const ranking = rankByLabeller(question, answers, noise, random);
      for (const [a, rank] of ranking.entries()) {
        for (const [b, other] of ranking.entries()) {
          const better = goldReward(question, answers[a]!) - goldReward(question, answers[b]!);
          if (better <= 0 || rank === other) continue;
          pairs++;
          if (rank < other) right++;
        }
      }
    }
    return right / pairs;
  };
  expect(agreement(0)).toBe(1);
  expect(agreement(0.5)).toBeGreaterThan(agreement(3));
  expect(agreement(3)).toBeGreaterThan(0.5);
});
