/**
 * A little world with people in it (Gao et al. 2022): questions in English and Chinese, demonstrations of mixed quality,
 * a gold reward that nobody who learns may see, and labellers who rank answers by it as people do, with noise.
 *
 * Good answers name what was asked about, in its language, say up to three different things of it, thank the asker once
 * and stop. The demonstrations hold each of these now and then, and their opposites as well.
 */
import type { ChatMessage, Demonstration } from '@parley/contracts';
import type { Random } from '@parley/engine';
import { languageOf } from '@parley/lm/data';

interface Language {
  things: string[];
  qualities: string[];
  questions: ((thing: string) => string)[];
  /** One clause about a thing. */
  clause: (thing: string, qualities: string[]) => string;
  thanks: string;
  ignorance: string;
  join: string;
}

const english: Language = {
  things: 'cat,dog,tea,river,moon,rain,bread,train,garden,book,star,snow,horse,lake,song,tree,wind,sea,bird,lamp'.split(
    ',',
  ),
  qualities: 'bright,calm,cold,deep,fine,gentle,golden,old,quiet,soft,warm,wide'.split(','),
  questions: [
    (thing) => `Tell me about the ${thing}.`,
    (thing) => `What is the ${thing} like?`,
    (thing) => `Please describe the ${thing}.`,
  ],
  clause: (thing, qualities) => `the ${thing} is ${qualities.join(' and ')}`,
  thanks: 'thank you for asking',
  ignorance: 'i do not know',
  join: ', ',
};

const chinese: Language = {
  things: '猫,狗,茶,河,月亮,雨,面包,火车,花园,书,星星,雪,马,湖,歌,树,风,海,鸟,灯'.split(','),
  qualities: '明亮,平静,寒冷,深沉,美好,温柔,金黄,古老,安静,柔软,温暖,宽广'.split(','),
  questions: [(thing) => `说说${thing}。`, (thing) => `${thing}是什么样的？`, (thing) => `请描述一下${thing}。`],
  clause: (thing, qualities) => `${thing}又${qualities.join('又')}`,
  thanks: '谢谢你的提问',
  ignorance: '我不知道',
  join: '，',
};

export interface Question {
  prompt: ChatMessage[];
  language: 'en' | 'zh';
  thing: string;
}

/** All questions of both languages; `heldOut` things are asked about in one part only. */
export function questionsOf(heldOut: boolean): Question[] {
  return [english, chinese].flatMap(({ things, questions }) =>
    things
      .filter((_, index) => (index % 4 === 0) === heldOut)
      .flatMap((thing) =>
        questions.map(
          (question): Question => ({
            prompt: [{ role: 'user', content: question(thing) }],
            language: things === english.things ? 'en' : 'zh',
            thing,
          }),
        ),
      ),
  );
}

const languageFor = (language: 'en' | 'zh') => (language === 'en' ? english : chinese);

/** How the demonstrators answer: often well enough, at times short, off the point or in the wrong language. */
export function demonstrate(question: Question, random: Random): Demonstration {
  const wrong = random.next() < 0.1;
  const spoken = languageFor(wrong ? (question.language === 'en' ? 'zh' : 'en') : question.language);
  const draw = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const thing = wrong || random.next() < 0.25 ? draw(spoken.things) : question.thing;
  const qualities = Array.from({ length: 1 + random.integer(2) }, () => draw(spoken.qualities));
  const clauses = [spoken.clause(thing, qualities)];
  if (random.next() < 0.2) clauses.push(spoken.clause(thing, [draw(spoken.qualities)]));
  if (random.next() < 0.25) clauses.push(spoken.thanks);
  const answer = random.next() < 0.15 ? spoken.ignorance : clauses.join(spoken.join);
  return {
    id: String(random.integer(2 ** 30)),
    messages: [...question.prompt, { role: 'assistant', content: answer }],
    language: question.language,
    task: 'describe',
    source: 'invented',
  };
}

/** The hidden reward of an answer; the best possible is 3.5. */
export function goldReward({ language, thing }: Question, answer: string): number {
  const { qualities, thanks, ignorance } = languageFor(language);
  const count = (part: string) => answer.split(part).length - 1;
  const said = qualities.filter((quality) => count(quality) > 0).length;
  const repeated = qualities.reduce((sum, quality) => sum + Math.max(0, count(quality) - 1), 0);
  const mentions = count(thing);
  let reward = 0;
  if (mentions > 0) reward += 1;
  reward += 0.5 * Math.min(said, 3) - 0.5 * Math.max(0, said - 3);
  if (count(thanks) > 0) reward += 1;
  reward -= 0.5 * (repeated + Math.max(0, count(thanks) - 1) + Math.max(0, mentions - 2));
  if (count(ignorance) > 0) reward -= 1;
  if (languageOf(answer) !== language) reward -= 1;
  return reward;
}

/** Ranks by gold reward as somebody sees it: with normal noise on each answer. Equal answers tie. */
export function rankByLabeller(
  question: Question,
  answers: readonly string[],
  noise: number,
  random: Random,
): number[] {
  const seen = new Map<string, number>();
  for (const answer of answers) {
    if (!seen.has(answer)) seen.set(answer, goldReward(question, answer) + noise * random.normal());
  }
  return answers.map((answer) => 1 + answers.filter((other) => seen.get(other)! > seen.get(answer)!).length);
}
