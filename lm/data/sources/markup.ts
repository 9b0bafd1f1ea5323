/** Stripping of the markup that sources come in, down to the text that a person reads. */

/** Markdown to plain text that keeps headings, lists and code; front matter, images, HTML and link targets go. */
export function stripMarkdown(text: string): string {
  return text
    .replace(/^---\n.*?\n---\n/s, '')
    .replace(/<!--.*?-->/gs, '')
    .replace(/^\s*(import|export) .* from .*$/gm, '')
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<\/?[a-zA-Z][^<>]*>/g, '')
    .replace(/^\|?[\s:|-]+\|[\s:|-]*$/gm, '')
    .replace(/\*\*([^*\n]+)\*\*/g, '$1')
    .replace(/\p{Extended_Pictographic}\ufe0f?\s?/gu, '');
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', hellip: '…' };

/** Paragraphs of an XHTML chapter: tags out, entities resolved, one empty line between blocks. */
export function stripXhtml(xhtml: string): string {
  return xhtml
    .replace(/<head>.*?<\/head>/s, '')
    .replace(/<a [^>]*epub:type="noteref"[^>]*>.*?<\/a>/gs, '')
    .replace(/\s+/g, ' ')
    .replace(/<br\s*\/?>/g, '\n')
    .replace(/<\/(p|h[1-6]|li|blockquote|header|hgroup|div|section|tr)>/g, '\n\n')
    .replace(/<[^>]+>/g, '')
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replace(/&(\w+);/g, (all, name: string) => ENTITIES[name] ?? all)
    .replace(/^ +/gm, '')
    .replace(/[\u2060\ufeff]/g, '')
    .replace(/\u200a/g, ' ');
}

/** Undoes word-level tokenisation of English: " ," to ",", quotes and brackets closed up, "@-@" to "-", "n't" joined. */
export function detokenise(text: string): string {
  return text
    .replace(/ @([-,.])@ /g, '$1')
    .replace(/``\s*/g, '“')
    .replace(/\s*''/g, '”')
    .replace(/" ([^"\n]*?) "/g, '"$1"')
    .replace(/ ([,.;:?!%)\]}”])/g, '$1')
    .replace(/([([{“$£]) /g, '$1')
    .replace(/ (n['’]t|['’](?:s|re|ve|ll|d|m))\b/gi, '$1')
    .replace(/(\w) ['’] (?=s\b)/g, "$1'")
    .replace(/ +/g, ' ');
}

/** `The/at jury/nn said/vbd ,/,` to running text; an empty line in the file is a paragraph. */
export function untag(tagged: string): string {
  return tagged
    .split(/\n\s*\n+/)
    .map((paragraph) =>
      detokenise(
        paragraph
          .trim()
          .split(/\s+/)
          .map((token) => token.slice(0, token.lastIndexOf('/') === -1 ? undefined : token.lastIndexOf('/')))
          .join(' '),
      )
        .replace(/([;?!:])\1+/g, '$1')
        .replace(/([,;?!])\s*\./g, '$1')
        .trim(),
    )
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}
