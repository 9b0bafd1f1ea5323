/**
 * Text → search terms. Scripts without spaces between words (Han, Kana, Hangul) become overlapping pairs of
 * characters: no dictionary is needed, and a phrase is found wherever it stands. Everything else is cut into words
 * and numbers. Compatibility forms, case and English plurals are evened out, so that "ＷｉＦｉ Routers" finds "wifi
 * router".
 */

const cjk = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}`;
const termPattern = new RegExp(
  String.raw`(?<number>\d+(?:[.,]\d+)+)|(?<cjk>[${cjk}]+)|(?<word>(?:(?![${cjk}])[\p{L}\p{M}\p{N}])+)`,
  'gu',
);

/** The terms in the order of the text, repeats included: BM25 counts them. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const { groups } of text.normalize('NFKC').toLowerCase().matchAll(termPattern)) {
    if (groups!.cjk !== undefined) terms.push(...pairs(groups!.cjk));
    else if (groups!.number !== undefined) terms.push(groups!.number.replaceAll(',', ''));
    else terms.push(singular(groups!.word!));
  }
  return terms;
}

/** What a question asks for: each term once, without words that every question has. A lone character stays. */
export function queryTermsOf(question: string): string[] {
  const terms = new Set(termsOf(question));
  const telling = [...terms].filter((term) => !functionWords.has(term));
  return telling.length > 0 ? telling : [...terms];
}

function pairs(run: string): string[] {
  const characters = [...run];
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => characters[index]! + character);
}

/**
 * The S stemmer (D. Harman, "How effective is suffixing?", JASIS 42, 1991): plurals only, so that it does little
 * good and no harm.
 */
function singular(word: string): string {
  if (word.length < 4 || !/^[a-z]+s$/.test(word)) return word;
  if (/[^ea]ies$/.test(word)) return `${word.slice(0, -3)}y`;
  if (/[^aeo]es$/.test(word)) return word.slice(0, -1);
  return /[us]s$/.test(word) ? word : word.slice(0, -1);
}

const functionWords = new Set(
  [
    'a an the is are was were be been do does did has have had can could will would shall should may must of to in on',
    'at for from with by as and or not no if than then so it its this that these those there here i me my we our you',
    'your he she they them his her their who whom which what when where why how much many please tell about any some',
    '什么 怎么 怎样 如何 为什 多少 哪里 哪些 哪个 几个 是否 可以 能否 请问 告诉 诉我 我们 你们 他们 我的 你的 一个 一下 这个 那个',
    '是什 么是 有什 是多 有多 要怎 该怎 么样 吗 呢 的 了 是 在 和 与',
  ].flatMap((line) => line.split(' ')),
);
