/**
 * A document → the passages that are searched and given to the model.
 *
 * A passage is a run of whole sentences, about as long as a small model can take in besides its question. It begins
 * anew at a heading, and at a paragraph once it is half full. Within a paragraph it begins with the end of the one
 * before it: what a sentence refers to often stands in the sentence before.
 */

/** UTF-16 offsets in the document, the end exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** In estimated tokens. The model that ships reads 512 with question and answer: two or three passages fit. */
export const longestPassage = 100;
const longestOverlap = 25;

interface Sentence extends Span {
  size: number;
  /** 'heading' begins a passage, 'paragraph' may. */
  opens: 'heading' | 'paragraph' | null;
}

/** Every sentence of the text is in one passage at least, none is empty, and they stand in the order of the text. */
export function cutPassages(text: string): Span[] {
  const passages: Span[] = [];
  let current: Sentence[] = [];
  const size = () => current.reduce((sum, sentence) => sum + sentence.size, 0);
  const close = () => {
    if (current.length > 0) passages.push({ start: current[0]!.start, end: current.at(-1)!.end });
  };
  for (const sentence of sentencesOf(text)) {
    const fresh = sentence.opens === 'heading' || (sentence.opens === 'paragraph' && size() >= longestPassage / 2);
    if (fresh && !onlyHeadings(current)) {
      close();
      current = [];
    } else if (size() + sentence.size > longestPassage) {
      close();
      current = sentence.opens ? [] : tail(current, Math.min(longestOverlap, longestPassage - sentence.size));
    }
    current.push(sentence);
  }
  close();
  return passages;
}

/** A heading alone is no passage: what follows joins it. */
function onlyHeadings(sentences: readonly Sentence[]): boolean {
  return sentences.length > 0 && sentences.every(({ opens }) => opens === 'heading');
}

function tail(sentences: readonly Sentence[], room: number): Sentence[] {
  const kept: Sentence[] = [];
  let left = room;
  for (const sentence of [...sentences].reverse()) {
    left -= sentence.size;
    if (left < 0) break;
    kept.unshift(sentence);
  }
  return kept;
}

/** About how many tokens a text has: a Chinese character is nearly one, of other scripts four characters are one. */
export function estimatedTokens(text: string): number {
  const wide = text.match(wideCharacter)?.length ?? 0;
  return wide + Math.ceil((text.length - wide) / 4);
}

const wideCharacter = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;

/** Up to and with the marks that end a sentence; an English full stop only before a space, so that "3.5" stays whole. */
const sentencePattern = /[^\n。！？!?；.]*(?:\.(?!\s|$)[^\n。！？!?；.]*)*(?:[。！？!?；.]+["'”’」』）)\]]*|\n|$)/gy;

/** The sentences of a text with their places, without the space around them; long ones in pieces. */
export function* sentencesOf(text: string): Generator<Sentence> {
  let blankLine = true;
  for (let at = 0; at < text.length; ) {
    sentencePattern.lastIndex = at;
    const length = sentencePattern.exec(text)?.[0].length || 1;
    const span = trimmed(text, at, at + length);
    const startsLine = at === 0 || text[at - 1] === '\n';
    at += length;
    if (!span) {
      blankLine ||= startsLine;
      continue;
    }
    const heading = startsLine && /^#{1,6}\s/.test(text.slice(span.start, span.start + 8));
    let opens: Sentence['opens'] = heading ? 'heading' : blankLine && startsLine ? 'paragraph' : null;
    blankLine = false;
    for (const piece of pieces(text, span)) {
      yield { ...piece, size: estimatedTokens(text.slice(piece.start, piece.end)), opens };
      opens = null;
    }
  }
}

function trimmed(text: string, start: number, end: number): Span | null {
  const part = text.slice(start, end);
  const from = start + (part.length - part.trimStart().length);
  const to = start + part.trimEnd().length;
  return from < to ? { start: from, end: to } : null;
}

/** Cuts what is longer than a passage, at a space if one is near, and never inside a character. */
function* pieces(text: string, { start, end }: Span): Generator<Span> {
  let from = start;
  while (estimatedTokens(text.slice(from, Math.min(end, from + 4 * longestPassage + 4))) > longestPassage) {
    let to = from;
    for (let size = 0; size < longestPassage - 1; ) {
      const character = String.fromCodePoint(text.codePointAt(to)!);
      size += character.match(wideCharacter) ? 1 : character.length / 4;
      to += character.length;
    }
    const space = text.lastIndexOf(' ', to);
    const piece = trimmed(text, from, space > from + (to - from) / 2 ? space : to);
    if (piece) yield piece;
    from = space > from + (to - from) / 2 ? space : to;
  }
  const rest = trimmed(text, from, end);
  if (rest) yield rest;
}
