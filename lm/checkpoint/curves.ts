/** Line charts as SVG text: readable on light and on dark pages, in a browser, an editor or a rendered report. */
import type { Metric } from '@parley/contracts';

export interface Series {
  /** Empty: not in the legend. */
  name: string;
  points: { x: number; y: number }[];
  /** Thin and pale: for noisy values behind a clearer line. */
  faint?: boolean;
  /** Place in the palette, so that lines that belong together look alike; by default its own place. */
  colour?: number;
}

const width = 720;
const height = 360;
const margin = { top: 40, right: 24, bottom: 48, left: 64 };
const plotWidth = width - margin.left - margin.right;
const plotHeight = height - margin.top - margin.bottom;
/** More points than pixels say nothing. */
const mostPoints = 2 * plotWidth;

/** Okabe and Ito's palette, told apart by the colour-blind too; all have contrast on white and on near-black. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

/**
 * @param labels what the axes count, with units, e.g. 'step' and 'loss (nats per token)'
 * @returns a whole SVG document; points that are not finite are left out
 */
export function lineChart(title: string, labels: { x: string; y: string }, series: Series[]): string {
  const drawn = series
    .map((line, index) => ({
      ...line,
      colour: colours[(line.colour ?? index) % colours.length]!,
      points: thin(line.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))),
    }))
    .filter(({ points }) => points.length > 0);
  const all = drawn.flatMap(({ points }) => points);
  const xAxis = axis(all.map(({ x }) => x));
  const yAxis = axis(all.map(({ y }) => y));
  const toX = (x: number) => round(margin.left + ((x - xAxis.low) / (xAxis.high - xAxis.low)) * plotWidth);
  const toY = (y: number) => round(margin.top + plotHeight - ((y - yAxis.low) / (yAxis.high - yAxis.low)) * plotHeight);

  const bottom = margin.top + plotHeight;
  const right = margin.left + plotWidth;
  const grid = [
    ...yAxis.ticks.flatMap((tick) => [
      `<line class="grid" x1="${margin.left}" x2="${right}" y1="${toY(tick)}" y2="${toY(tick)}"/>`,
      `<text x="${margin.left - 8}" y="${toY(tick) + 4}" text-anchor="end">${formatTick(tick)}</text>`,
    ]),
    ...xAxis.ticks.map(
      (tick) => `<text x="${toX(tick)}" y="${bottom + 18}" text-anchor="middle">${formatTick(tick)}</text>`,
    ),
  ];
  const lines = drawn.map(({ points, faint, colour }) => {
    const path = points.map(({ x, y }) => `${toX(x)},${toY(y)}`).join(' ');
    const only =
      points.length === 1 ? `<circle cx="${toX(points[0]!.x)}" cy="${toY(points[0]!.y)}" r="3" fill="${colour}"/>` : '';
    return `<polyline fill="none" stroke="${colour}" stroke-width="${faint ? 1 : 2}"${faint ? ' opacity="0.55"' : ''} points="${path}"/>${only}`;
  });
  let legendX = margin.left;
  const named = drawn.filter(({ name }) => name !== '');
  const legend = named.map(({ name, colour }) => {
    const item = `<rect x="${legendX}" y="26" width="14" height="3" fill="${colour}"/><text x="${legendX + 20}" y="32">${escapeMarkup(name)}</text>`;
    legendX += 40 + 7 * name.length;
    return item;
  });

  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600;font-size:14px;fill:#111}.grid{stroke:#ddd}.axis{stroke:#888}',
    '@media(prefers-color-scheme:dark){text{fill:#bbb}.title{fill:#eee}.grid{stroke:#3a3a3a}}</style>',
    `<text class="title" x="${margin.left}" y="18">${escapeMarkup(title)}</text>`,
    ...legend,
    ...grid,
    `<path class="axis" fill="none" d="M${margin.left} ${margin.top}V${bottom}H${right}"/>`,
    `<text x="${margin.left + plotWidth / 2}" y="${height - 10}" text-anchor="middle">${escapeMarkup(labels.x)}</text>`,
    `<text transform="translate(16 ${margin.top + plotHeight / 2}) rotate(-90)" text-anchor="middle">${escapeMarkup(labels.y)}</text>`,
    ...lines,
    '</svg>',
  ].join('\n')}\n`;
}

/** Training and validation loss over the steps. */
export function lossChart(title: string, metrics: readonly Metric[]): string {
  const points = (key: 'loss' | 'validationLoss') =>
    metrics.flatMap((metric) => (metric[key] === undefined ? [] : [{ x: metric.step, y: metric[key] }]));
  return lineChart(title, { x: 'optimizer step', y: 'loss (nats per token)' }, [
    { name: 'training', points: points('loss'), faint: true },
    { name: 'validation', points: points('validationLoss') },
  ]);
}

/** A range that holds all values and round ticks within it, steps of 1, 2 or 5 times a power of ten. */
function axis(values: number[]): { low: number; high: number; ticks: number[] } {
  let low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  let high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (values.length === 0) [low, high] = [0, 1];
  if (low === high) [low, high] = [low - 1, high + 1];
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  low = Math.floor(low / step) * step;
  high = Math.ceil(high / step) * step;
  const count = Math.round((high - low) / step);
  return { low, high, ticks: Array.from({ length: count + 1 }, (_, index) => low + index * step) };
}

/** Means of neighbours, so that no more points are drawn than can be seen. */
function thin(points: Series['points']): Series['points'] {
  const group = Math.ceil(points.length / mostPoints);
  if (group <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / group) }, (_, index) => {
    const members = points.slice(index * group, (index + 1) * group);
    const mean = (key: 'x' | 'y') => members.reduce((sum, point) => sum + point[key], 0) / members.length;
    return { x: mean('x'), y: mean('y') };
  });
}

function formatTick(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Number((value / 1000).toPrecision(4))}k`;
  return String(Number(value.toPrecision(6)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
