/** "[1]" in an answer's Markdown becomes a link to the passage of that number; code is left alone. */

export const citationAddress = '#citation-';

interface MarkdownNode {
  type: string;
  value?: string;
  url?: string;
  children?: MarkdownNode[];
}

/** A remark plugin. Which numbers exist is the renderer's to know: the others it shows as the text that they are. */
export function citationMarks() {
  return (tree: MarkdownNode): void => mark(tree);
}

function mark(node: MarkdownNode): void {
  if (!node.children || node.type === 'link') return;
  node.children = node.children.flatMap((child) => (child.type === 'text' ? split(child.value ?? '') : [child]));
  for (const child of node.children) mark(child);
}

function split(text: string): MarkdownNode[] {
  return text
    .split(/(\[\d{1,2}\])/)
    .filter((part) => part !== '')
    .map((part) =>
      /^\[\d{1,2}\]$/.test(part)
        ? { type: 'link', url: citationAddress + part.slice(1, -1), children: [{ type: 'text', value: part }] }
        : { type: 'text', value: part },
    );
}
