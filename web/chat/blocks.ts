/**
 * Cuts Markdown into pieces that render alike alone and together, so that while an answer streams only its last
 * piece is parsed again. A piece ends at a blank line outside a fenced code block or a formula of several lines; a list, with its blank lines
 * and indented paragraphs, stays whole. Text with link definitions or footnotes is not cut, since those
 * reach across blocks.
 */

const fence = /^ {0,3}(`{3,}|~{3,})/;
/** A formula that is opened and not closed on this line. */
const formula = /^\s*(\$\$(?!.*\$\$)|\\\[(?!.*\\\]))/;
const formulaEnds: Record<string, RegExp> = { $$: /\$\$/, '\\[': /\\\]/ };
const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/;
const indented = /^(?: {2,}|\t)/;
const definition = /^ {0,3}\[[^\]]+\]:/m;

export function splitBlocks(markdown: string): string[] {
  if (definition.test(markdown)) return [markdown];
  const blocks: string[] = [];
  let lines: string[] = [];
  let openFence: string | null = null;
  let inList = false;
  let blankBefore = false;

  for (const line of markdown.split('\n')) {
    const blank = line.trim() === '';
    const continuesList = inList && (listItem.test(line) || indented.test(line));
    if (openFence === null && blankBefore && !blank && !continuesList && lines.length > 0) {
      blocks.push(lines.join('\n'));
      lines = [];
      inList = false;
    }
    if (lines.length === 0 && !blank) inList = listItem.test(line);
    openFence = fenceAfter(line, openFence);
    if (lines.length > 0 || !blank) lines.push(line);
    blankBefore = blank && openFence === null;
  }
  if (lines.length > 0) blocks.push(lines.join('\n'));
  return blocks;
}

/** The fence that is open after the line, or null. A closing fence is at least as long and carries no words. */
function fenceAfter(line: string, open: string | null): string | null {
  const end = open === null ? undefined : formulaEnds[open];
  if (end !== undefined) return end.test(line) ? null : open;
  const opened = open === null ? formula.exec(line)?.[1] : undefined;
  if (opened !== undefined) return opened;
  const marks = fence.exec(line)?.[1];
  if (marks === undefined) return open;
  if (open === null) return marks;
  const closes = marks[0] === open[0] && marks.length >= open.length && line.trim() === marks;
  return closes ? null : open;
}
