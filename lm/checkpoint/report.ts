/** What a run leaves for people (report.md with its charts) and for programs (report.json). */
import { join } from 'node:path';
import { writeFileAtomic } from './atomic.ts';

export interface ReportTable {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

export interface Report {
  title: string;
  /** Written as report.json as it is; its plain numbers and strings head report.md. */
  figures: Record<string, unknown>;
  /** Paragraphs of Markdown below the figures, e.g. the derivations. */
  notes?: string[];
  tables?: ReportTable[];
  /** SVG documents by file name without ending, e.g. { loss: lossChart(…) }. */
  charts?: Record<string, string>;
}

/** Writes the charts, report.md and, last, report.json, whose presence says that the run is finished. */
export function writeReport(folder: string, { title, figures, notes = [], tables = [], charts = {} }: Report): void {
  for (const [name, svg] of Object.entries(charts)) writeFileAtomic(join(folder, `${name}.svg`), svg);
  const headline = Object.entries(figures).filter(
    ([, value]) => typeof value === 'number' || typeof value === 'string',
  );
  const markdown = [
    `# ${title}`,
    table(
      ['', ''],
      headline.map(([name, value]) => [spaced(name), value as string | number]),
    ),
    ...Object.keys(charts).map((name) => `![${spaced(name)}](${name}.svg)`),
    ...tables.flatMap(({ title: heading, columns, rows }) => [`## ${heading}`, table(columns, rows)]),
    ...notes,
  ];
  writeFileAtomic(join(folder, 'report.md'), `${markdown.filter((part) => part !== '').join('\n\n')}\n`);
  writeFileAtomic(join(folder, 'report.json'), `${JSON.stringify(figures, null, 2)}\n`);
}

function table(columns: string[], rows: (string | number)[][]): string {
  if (rows.length === 0) return '';
  const line = (cells: (string | number)[]) => `| ${cells.map((cell) => formatCell(cell)).join(' | ')} |`;
  return [
    line(columns),
    `|${columns.map((_, index) => (index === 0 ? '---|' : '---:|')).join('')}`,
    ...rows.map(line),
  ].join('\n');
}

function formatCell(cell: string | number): string {
  if (typeof cell === 'string') return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
  if (Number.isInteger(cell)) return cell.toLocaleString('en-US');
  return String(Number(cell.toPrecision(4)));
}

/** 'tokensPerSecond' → 'tokens per second'. */
function spaced(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}
