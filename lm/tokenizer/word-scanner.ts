/**
 * The split of split.ts by hand: the same words as its pattern, about twice as fast, and without the backtracking
 * stack that overflows when V8 matches a word of some ten million characters.
 *
 * Each code point's memberships in the pattern's classes are looked up once with the pattern's own regular
 * expressions and kept as bits; the scan is the pattern's alternatives in their order. split.test.ts holds
 * the two against each other. The engine's scanner of UTF-8 uses the same bits (native/kernels/word-scanner.h).
 */
import type { CharacterClasses } from '@parley/engine';
import { CJK, type Split } from './split.ts';

/** White space; a line break; ideographic space. */
const SPACE = 1;
const BREAK = 2;
/** Han or kana; a letter or combining mark outside them; any letter or combining mark. */
const HAN = 4;
const LETTER = 8;
const WORD = 16;
const NUMBER = 32;
/** Neither white space nor letter nor number: punctuation, symbols, emoji, combining marks. */
const SYMBOL = 64;
/** What a word may take along in front: a space, a tab, an ASCII mark. */
const PREFIX = 128;

/** Bits by code point, 0 where not looked up yet. */
const classes = new Uint8Array(0x110000);
const han = new RegExp(`[${CJK}]`, 'u');

function classify(code: number): number {
  const character = String.fromCodePoint(code);
  let bits = 0;
  if (/\p{White_Space}/u.test(character)) bits |= SPACE;
  if (/[\r\n]/.test(character)) bits |= BREAK;
  if (han.test(character)) bits |= HAN;
  if (/[\p{L}\p{M}]/u.test(character)) bits |= bits & HAN ? WORD : WORD | LETTER;
  if (/\p{N}/u.test(character)) bits |= NUMBER;
  if (/[^\p{White_Space}\p{L}\p{N}]/u.test(character)) bits |= SYMBOL;
  if (/[\t\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]/.test(character)) bits |= PREFIX;
  classes[code] = bits;
  return bits;
}

/** Code points that are classified at once for the engine: about half a millisecond's work. */
const BLOCK = 1024;

export const characterClasses: CharacterClasses = {
  table: classes,
  classify: (code) => {
    const first = code - (code % BLOCK);
    for (let member = first; member < first + BLOCK; member++) classify(member);
  },
};

/** The bits of the code point at an offset, 0 at the end. */
function classAt(text: string, at: number): number {
  if (at >= text.length) return 0;
  const unit = text.charCodeAt(at);
  const code = (unit & 0xfc00) === 0xd800 ? text.codePointAt(at)! : unit;
  return classes[code] || classify(code);
}

/** The offset after the run of code points with one of `bits` that starts at `at`. */
function endOfRun(text: string, at: number, bits: number): number {
  let end = at;
  while (end < text.length) {
    const unit = text.charCodeAt(end);
    if ((unit & 0xfc00) === 0xd800) {
      const code = text.codePointAt(end)!;
      if (((classes[code] || classify(code)) & bits) === 0) break;
      end += code > 0xffff ? 2 : 1;
    } else {
      if (((classes[unit] || classify(unit)) & bits) === 0) break;
      end++;
    }
  }
  return end;
}

/** Cuts a text into the words of SPLIT_PATTERN. */
export const splitWords: Split = (text, visit) => {
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = endOfWord(text, start);
    visit(text, start, end);
  }
};

function endOfWord(text: string, at: number): number {
  const first = classAt(text, at);
  const unit = text.charCodeAt(at);
  if (unit === 0x27) {
    const end = endOfContraction(text, at);
    if (end > at) return end;
  }
  if (first & HAN) return endOfRun(text, at, HAN);
  if (first & LETTER) return endOfRun(text, at, LETTER);
  if (first & PREFIX && classAt(text, at + 1) & LETTER) return endOfRun(text, at + 1, LETTER);
  if (first & NUMBER) return endOfDigits(text, at);
  if (first & SYMBOL) return endOfRun(text, endOfRun(text, at, SYMBOL), BREAK);
  if (unit === 0x20 && classAt(text, at + 1) & SYMBOL) return endOfRun(text, endOfRun(text, at + 1, SYMBOL), BREAK);
  return endOfSpace(text, at);
}

/** After `'s`, `'ll` and the like where a word ends, otherwise `at`. */
function endOfContraction(text: string, at: number): number {
  const next = text.slice(at + 1, at + 3).toLowerCase();
  if (/^[sdmt]/.test(next) && !(classAt(text, at + 2) & WORD)) return at + 2;
  return /^(?:ll|ve|re)$/.test(next) && !(classAt(text, at + 3) & WORD) ? at + 3 : at;
}

function endOfDigits(text: string, at: number): number {
  let end = at;
  for (let count = 0; count < 3 && classAt(text, end) & NUMBER; count++) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  return end;
}

/** A run of white space ends after its last line break, or before the one space that goes with the next word. */
function endOfSpace(text: string, at: number): number {
  const end = endOfRun(text, at, SPACE);
  for (let last = end - 1; last >= at; last--) if (classAt(text, last) & BREAK) return last + 1;
  if (text.charCodeAt(at) === 0x3000) {
    let ideographic = at + 1;
    while (text.charCodeAt(ideographic) === 0x3000) ideographic++;
    return ideographic;
  }
  return end === text.length || end - at === 1 ? end : end - 1;
}
