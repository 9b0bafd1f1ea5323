/** results.json as a page for people: a table and a chart for each part. */
import type { Precision } from '@parley/engine';
import { type Bar, ratioChart } from './bar-chart.ts';
import type { MeasuredPeer, Spread } from './comparison.ts';
import type { Row } from './parts.ts';

export interface Machine {
  processor: string;
  processors: number;
  instructionSet: string;
  memoryGB: number;
  node: string;
}

/** One part, measured in one go. */
export interface PartResult {
  title: string;
  explanation: string;
  /** ISO 8601. */
  measuredAt: string;
  machine: Machine;
  /** Of this machine just before. */
  peakGflops: Record<Precision, number>;
  rounds: number;
  rows: Row[];
  /** Why the part ended before its last row. */
  failure?: string;
}

/** By the name of the part. */
export type Results = Record<string, PartResult>;

/** @returns the page, and the charts beside it by file name */
export function renderResults(results: Results): { page: string; charts: Record<string, string> } {
  const charts: Record<string, string> = {};
  const sections = Object.entries(results).map(([name, part]) => {
    const bars = part.rows.flatMap(toBar);
    if (bars.length > 0) charts[`${name}.svg`] = ratioChart(`${part.title}: times better than the peer`, bars);
    return [
      `## ${part.title}`,
      part.explanation,
      describe(part),
      ...(bars.length > 0 ? [`![${part.title}: ratios to the peers](charts/${name}.svg)`] : []),
      table(part.rows),
      ...(part.failure === undefined ? [] : [`**Not finished:** ${part.failure}`]),
    ].join('\n\n');
  });
  const page = [
    '# Results',
    'Written by `npm run bench`; do not edit. Programs take turns, everyone once a round; a figure is the median over ' +
      'rounds with its quartiles, a ratio the median of the ratios within rounds. A ratio above 1 means that Parley ' +
      'is better, whether the figure counts speed or memory or seconds.',
    ...sections,
  ].join('\n\n');
  return { page: `${page}\n`, charts };
}

function describe({ machine, measuredAt, peakGflops, rounds }: PartResult): string {
  const { processor, processors, instructionSet, memoryGB, node } = machine;
  return (
    `Measured ${measuredAt.slice(0, 10)} in ${rounds} rounds on ${processors} x ${processor} (${instructionSet}), ` +
    `${memoryGB.toFixed(0)} GB, Node ${node}; its peak then: ${peakGflops.bf16.toFixed(0)} GFLOP/s in bf16, ` +
    `${peakGflops.f32.toFixed(0)} in f32.`
  );
}

function table(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) => {
    const { name, figure, unit, goal, comparison } = row;
    const ours = comparison.ours.figures[figure];
    const share = shareOf(comparison.ours.figures);
    return comparison.peers.map((peer) => {
      const cells =
        'absent' in peer
          ? [peer.name, `absent: ${peer.absent}`, '']
          : [peer.name, formatSpread(peer.figures[figure], unit), formatSpread(betterBy(row, peer), '')];
      return [
        name,
        formatSpread(ours, unit),
        share,
        ...cells,
        goal === undefined ? '' : String(Number(goal.toFixed(2))),
      ];
    });
  });
  const head = ['what', 'Parley', 'of the limit', 'peer', 'theirs', 'ratio', 'goal'];
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The ratio turned so that more is better. */
function betterBy({ figure, lowerIsBetter }: Row, peer: MeasuredPeer): Spread | undefined {
  const ratio = peer.ratios[figure];
  if (ratio === undefined || !lowerIsBetter) return ratio;
  return {
    median: 1 / ratio.median,
    lowerQuartile: 1 / ratio.upperQuartile,
    upperQuartile: 1 / ratio.lowerQuartile,
    samples: ratio.samples.map((sample) => 1 / sample),
  };
}

function toBar(row: Row): Bar[] {
  return row.comparison.peers.flatMap((peer) => {
    const ratio = 'absent' in peer ? undefined : betterBy(row, peer);
    if (ratio === undefined) return [];
    const name = row.comparison.peers.length > 1 ? `${row.name}: ${peer.name}` : row.name;
    return [{ name, ratio: ratio.median, lower: ratio.lowerQuartile, upper: ratio.upperQuartile, goal: row.goal }];
  });
}

function shareOf(figures: Record<string, Spread>): string {
  const share = figures.shareOfPeak ?? figures.shareOfBandwidth;
  if (share === undefined) return '';
  const percent = ({ median }: Spread) => `${(median * 100).toFixed(0)} %`;
  const full = figures.shareOfFullWidth;
  return full && percent(full) !== percent(share) ? `${percent(share)} (${percent(full)})` : percent(share);
}

function formatSpread(spread: Spread | undefined, unit: string): string {
  if (spread === undefined) return '';
  const { median, lowerQuartile, upperQuartile } = spread;
  return `${formatNumber(median)} ${unit} (${formatNumber(lowerQuartile)}-${formatNumber(upperQuartile)})`.replace(
    '  ',
    ' ',
  );
}

const formatNumber = (value: number) => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3));
