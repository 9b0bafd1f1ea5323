/** The numbers that a text names, in digits, English words or Chinese numerals, as plain decimal strings. */

/** One is no number here: "one of them", 一个. */
const englishNumbers: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  thirteen: 13,
  fourteen: 14,
  fifteen: 15,
  sixteen: 16,
  eighteen: 18,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
  hundred: 100,
};

const chineseDigits = '零一二三四五六七八九';
const chineseUnits: Readonly<Record<string, number>> = { 十: 10, 百: 100, 千: 1_000, 万: 10_000 };
/** A numeral is one before a unit of measure; elsewhere (十分, 一般, 三心二意) it is part of a word. */
const measure =
  '(?=分钟|分之|[年月日天周号点个小时钟秒元块角米厘毫公斤克升度岁次人只条位层名页章倍折针本台辆家间盒瓶件百千万])';

export function quantitiesIn(text: string): Set<string> {
  const plain = text.normalize('NFKC').toLowerCase();
  const found = new Set<string>();
  for (const [match] of plain.matchAll(/\d+(?:,\d{3})*(?:\.\d+)?/g))
    found.add(String(Number(match.replaceAll(',', ''))));
  for (const [word] of plain.matchAll(/[a-z]+/g)) {
    const value = englishNumbers[word];
    if (value !== undefined) found.add(String(value));
  }
  for (const [numeral] of plain.matchAll(new RegExp(`[零〇一二两三四五六七八九十百千万点]+${measure}`, 'g'))) {
    const value = chineseNumber(numeral);
    if (value !== null && value !== 1) found.add(String(value));
  }
  return found;
}

/** 三 → 3, 二十四 → 24, 三百 → 300, 两千零五 → 2005, 九点六 → 9.6; null if it is none. */
function chineseNumber(numeral: string): number | null {
  const [whole, fraction, more] = numeral.replaceAll('两', '二').replaceAll('〇', '零').split('点') as [
    string,
    string?,
    string?,
  ];
  if (whole === '' || more !== undefined) return null;
  let [total, section, digit] = [0, 0, 0];
  for (const character of whole) {
    const value = chineseDigits.indexOf(character);
    if (value >= 0) digit = value;
    else if (character === '万') [total, section, digit] = [total + (section + digit) * 10_000, 0, 0];
    else [section, digit] = [section + (digit || 1) * chineseUnits[character]!, 0];
  }
  const integer = total + section + digit;
  if (fraction === undefined || fraction === '') return integer;
  const digits = [...fraction].map((character) => chineseDigits.indexOf(character));
  return digits.includes(-1) ? null : Number(`${integer}.${digits.join('')}`);
}
