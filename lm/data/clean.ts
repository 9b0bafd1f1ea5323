/**
 * Cleaning of raw text: one form of Unicode and of white space, no control characters, and a verdict on
 * whether what is left reads like text. Sources strip their own markup; this is what all of them share.
 */
export type Language = 'en' | 'zh' | 'code';

const HAN = /\p{Script=Han}/gu;
const LETTER = /\p{L}/gu;
// C0 and C1 controls except tab and newline, zero-width characters, byte-order marks, private use, replacement.
const INVISIBLE = /[^\P{Cc}\t\n\r]|[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ufffd]|\p{Co}/gu;

/** NFC, `\n` line ends, no invisible characters, no trailing blanks, at most one empty line in a row. */
export function normaliseText(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(INVISIBLE, '')
    .replace(/[\u00a0\u2000-\u200a\u202f\u205f]/g, ' ')
    .replace(/[ \t\u3000]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** 'zh' when at least a fifth of the letters are Han characters (one Han character says as much as a few letters). */
export function detectLanguage(text: string): 'en' | 'zh' {
  const sample = text.length > 4000 ? text.slice(0, 4000) : text;
  const letters = sample.match(LETTER)?.length ?? 0;
  const han = sample.match(HAN)?.length ?? 0;
  return han > 0.2 * letters ? 'zh' : 'en';
}

/**
 * Why a normalised text is not worth training on, or null if it is. Code is only measured for length:
 * its punctuation and repetition are its nature.
 */
export function rejectReason(text: string, language: Language): string | null {
  if (text.length < (language === 'zh' ? 8 : 20)) return 'too short';
  if (mojibakeShare(text) > 0.002) return 'mojibake';
  if (language === 'code') return null;
  const letters = text.match(LETTER)?.length ?? 0;
  if (letters < 0.5 * text.replace(/\s/g, '').length) return 'few letters';
  const longest = Math.max(...text.split(/\s/).map((word) => (word.match(HAN) ? 0 : word.length)));
  if (longest > 120) return 'endless word';
  if (repeatedLineShare(text) > 0.4) return 'repeated lines';
  return null;
}

/** Share of characters in typical traces of UTF-8 read as Latin-1 or GBK. */
function mojibakeShare(text: string): number {
  const traces = text.match(/Ã[\u0080-\u00bf]|â€[\u0080-\u2122]|Â[\u00a0-\u00bf]|锟斤拷|烫烫|ä[¸¹º»½]/g);
  return (traces?.length ?? 0) / text.length;
}

function repeatedLineShare(text: string): number {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length < 6 ? 0 : 1 - new Set(lines).size / lines.length;
}
