/**
 * Characters as the filters compare them: compatibility forms ("ｉｄｉｏｔ"), case and accents evened out, invisible
 * characters skipped, so that a forbidden word cannot be spelled around by looks alone.
 */

/** A code point of a text and what it is compared as. */
export interface FoldedCharacter {
  /** UTF-16 units. */
  start: number;
  end: number;
  /** Empty for what cannot be seen: format characters and combining marks. */
  folded: string;
}

/** @param offset of the text's beginning, added to all places */
export function* foldedCharacters(text: string, offset = 0): Generator<FoldedCharacter> {
  let start = offset;
  for (const character of text) {
    yield { start, end: start + character.length, folded: fold(character) };
    start += character.length;
  }
}

const known = new Map<string, string>();
/** Texts use few characters again and again; an attacker's many must not fill the memory. */
const mostKnown = 20_000;

export function fold(character: string): string {
  const seen = known.get(character);
  if (seen !== undefined) return seen;
  const folded = character
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}]/gu, '')
    .toLowerCase()
    .normalize('NFKC');
  if (known.size < mostKnown) known.set(character, folded);
  return folded;
}

/** A list's word in the same form; spaces of any length are one. */
export function foldWord(word: string): string {
  return Array.from(word, fold).join('').replace(/\s+/g, ' ').trim();
}
