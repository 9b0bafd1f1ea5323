/** What can only be said of an answer as a whole: that it goes round in circles, or speaks another language. */

const longestPeriod = 240;
const fewestRounds = 4;
const shortestLoop = 120;
/** Characters before the end of a text that can be part of a loop. */
export const longestLoop = longestPeriod * (fewestRounds + 1);

/**
 * Whether a text ends in the same words over and over: at least four rounds and 120 characters of them. Lines of
 * dashes and table rules are no words.
 */
export function endsInLoop(text: string): boolean {
  if (text.length < shortestLoop) return false;
  const tail = text.slice(-longestLoop);
  for (let period = 1; period <= Math.min(longestPeriod, tail.length / fewestRounds); period++) {
    const wanted = Math.max(period * fewestRounds, shortestLoop) - period;
    let equal = 0;
    while (equal < wanted && tail[tail.length - 1 - equal] === tail[tail.length - 1 - equal - period]) equal++;
    if (equal === wanted && wanted + period <= tail.length && /\p{L}/u.test(tail.slice(-period))) return true;
  }
  return false;
}

const fewestLetters = 8;

/** Letters of a text, by script. */
export interface LetterCounts {
  han: number;
  latin: number;
}

/** A text's counts are the sum of its pieces', where these are cut between characters. */
export function countLetters(text: string): LetterCounts {
  return {
    han: text.match(/\p{Script=Han}/gu)?.length ?? 0,
    latin: text.match(/\p{Script=Latin}/gu)?.length ?? 0,
  };
}

/** Whether an answer is Chinese to an English question or the other way round; questions about languages may be. */
export function isOtherLanguage(question: string, answer: LetterCounts): boolean {
  if (/translat|english|chinese|翻译|英文|英语|中文|汉语|拼音/i.test(question)) return false;
  const [asked, answered] = [chineseShare(countLetters(question)), chineseShare(answer)];
  if (asked === null || answered === null) return false;
  return asked > 0.5 ? answered < 0.1 : asked < 0.1 && answered > 0.5;
}

/** Of the words, a Chinese one having about two characters and an English one five; null: too few to tell. */
function chineseShare({ han, latin }: LetterCounts): number | null {
  if (han * 2 + latin < fewestLetters) return null;
  return han / 2 / (han / 2 + latin / 5);
}
