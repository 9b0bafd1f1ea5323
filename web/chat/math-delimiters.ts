/**
 * Brings the ways in which models write formulas to the one that the Markdown parser reads: `$$…$$` within a line, and
 * `$$` on lines of their own for a formula that stands alone. Understood are `\(…\)`, `\[…\]`, `$…$` and `$$…$$`.
 *
 * A dollar sign is usually money. As in Pandoc, `$…$` is a formula only if no space follows the first sign or precedes
 * the second, no digit follows the second, and both are on one line.
 */

/** With the marks that open it captured, so that the same marks close it. */
const code = /(```[\s\S]*?(?:```|$)|~~~[\s\S]*?(?:~~~|$)|(`+)[^`][\s\S]*?\2)/;
const formulas =
  /\$\$([^$]+?)\$\$|(?<!\\)\\\[([\s\S]+?)\\\]|(?<!\\)\\\(([^\n]+?)\\\)|(?<![\\$A-Za-z0-9])\$(?![\s$])((?:\\.|[^$\\\n])+?)(?<!\s)\$(?![\p{N}$])/gu;

/** The text with its formulas in `$$`; the same text if it has none. */
export function withMathDelimiters(markdown: string): string {
  if (!/\$|\\\(|\\\[/.test(markdown)) return markdown;
  // What is captured comes between what is split: text, code, its marks, text, code, ...
  return markdown
    .split(code)
    .map((part, index) => [markFormulas, keep, drop][index % 3]!(part))
    .join('');
}

const keep = (part: string) => part;
const drop = () => '';

function markFormulas(text: string): string {
  return text.replace(
    formulas,
    (whole: string, double?: string, bracket?: string, parenthesis?: string, single?: string, place = 0) => {
      const tex = (double ?? bracket ?? parenthesis ?? single ?? '').trim();
      const line = text.slice(text.lastIndexOf('\n', place - 1) + 1, place);
      const after = text.slice(place + whole.length);
      const standsAlone =
        bracket !== undefined || (double !== undefined && line.trim() === '' && /^[ \t]*(\n|$)/.test(after));
      if (!standsAlone) return `$$${tex.replaceAll('\n', ' ')}$$`;
      // Within a list it stays in its item.
      const indent = ' '.repeat(/^\s*(?:(?:[-*+]|\d+[.)])\s+)?/.exec(line)![0].length);
      const lines = ['$$', ...tex.split('\n').filter((row) => row.trim() !== ''), '$$'];
      return `${line.trim() === '' ? '' : `\n${indent}`}${lines.join(`\n${indent}`)}\n`;
    },
  );
}
