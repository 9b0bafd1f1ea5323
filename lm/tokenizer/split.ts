/**
 * Where words end: BPE merges inside words only, so the split decides what a token can be.
 *
 * The pattern follows GPT-4's (cl100k), with four changes, most of them for Chinese:
 *
 * - A run of Han characters or kana is a word of its own. GPT-4 glues it to Latin neighbours and to the
 *   punctuation before it (`，你好`), which spends merges on accidents of context.
 * - A word takes one leading space, tab or ASCII mark with it (` word`, `.method`, `_name`), never a full-width mark.
 * - Combining marks belong to the letters they follow; a run of ideographic spaces (the Chinese paragraph
 *   indent) stays whole.
 * - A contraction is split off only where a word ends, so that 'tis and 'reality' are not cut.
 *
 * Digits come in groups of at most three. Line breaks go with the punctuation or the blanks before them.
 *
 *   "I'll pay 12345元, 你好world!\n"  →  I | 'll | ␣pay | ␣ | 123 | 45 | 元 | , | ␣ | 你好 | world | !\n
 *
 * The pattern uses only syntax that JavaScript's `u` flag and Oniguruma (the engine in Hugging Face's Rust
 * `tokenizers`) read alike: `\p{White_Space}` because their `\s` differ, literal characters for the ranges
 * because their escapes beyond `\xHH` differ, spelled-out case because `(?i:…)` is new to JavaScript.
 */

/** Han and kana, scripts written without spaces: the ranges of a character class. */
export const CJK = [
  '\u3005-\u3007', // 々〆〇
  '\u3041-\u3096\u3099-\u309F', // hiragana
  '\u30A1-\u30FA\u30FC-\u30FF\u31F0-\u31FF\uFF66-\uFF9F', // katakana
  '\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF', // Han: extension A, unified, compatibility
  '\u{20000}-\u{3FFFF}', // Han: the two supplementary ideographic planes
].join('');

const SPACE = '\\p{White_Space}';
const LETTER = `(?:(?![${CJK}])[\\p{L}\\p{M}])`;
const ASCII_MARK = '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e';

/** The split of Parley's own tokenizers. Matches every character of any text: consecutive matches tile it. */
export const SPLIT_PATTERN = [
  `'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])(?![\\p{L}\\p{M}])`,
  `[${CJK}]+`,
  `[\\t ${ASCII_MARK}]?${LETTER}+`,
  `\\p{N}{1,3}`,
  ` ?[^${SPACE}\\p{L}\\p{N}]+[\\r\\n]*`,
  `${SPACE}*[\\r\\n]+`,
  '\u3000+',
  `${SPACE}+(?![^${SPACE}])`,
  `${SPACE}+`,
].join('|');

/** Called with each word as a span of `text`: UTF-16 offsets, `end` exclusive. */
export type VisitWord = (text: string, start: number, end: number) => void;

/** Cuts a text into words, in order; what it leaves out is dropped. */
export type Split = (text: string, visit: VisitWord) => void;
