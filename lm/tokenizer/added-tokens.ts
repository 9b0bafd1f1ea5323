/** Tokens that are found in text as a whole, before it is split into words (`added_tokens` of tokenizer.json). */

export interface AddedToken {
  id: number;
  content: string;
  /** Special tokens structure a prompt; the others are ordinary text (runs of blanks in some vocabularies). */
  special: boolean;
  /** Whether the match takes the white space before or after it along. */
  lstrip: boolean;
  rstrip: boolean;
}

const isSpace = (character: string | undefined) => character !== undefined && /^\p{White_Space}$/u.test(character);

/** Finds added tokens in text: the leftmost one, the longest of several. */
export class AddedTokenFinder {
  private readonly pattern: RegExp | null = null;
  private readonly tokens: ReadonlyMap<string, AddedToken>;

  constructor(tokens: AddedToken[]) {
    this.tokens = new Map(tokens.map((token) => [token.content, token]));
    if (tokens.length === 0) return;
    const longestFirst = tokens.map(({ content }) => content).sort((a, b) => b.length - a.length);
    const escaped = longestFirst.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
    this.pattern = new RegExp(escaped.join('|'), 'gu');
  }

  /** The text between added tokens, and their ids, in order. */
  cut(text: string): (string | number)[] {
    if (this.pattern === null) return text === '' ? [] : [text];
    const parts: (string | number)[] = [];
    let from = 0;
    for (const match of text.matchAll(this.pattern)) {
      const { id, lstrip, rstrip } = this.tokens.get(match[0])!;
      let start = match.index;
      if (lstrip) while (start > from && isSpace(text[start - 1])) start--;
      if (start > from) parts.push(text.slice(from, start));
      parts.push(id);
      from = match.index + match[0].length;
      if (rstrip) while (isSpace(text[from])) from++;
    }
    if (from < text.length) parts.push(text.slice(from));
    return parts;
  }
}
