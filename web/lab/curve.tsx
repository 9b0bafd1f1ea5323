/** One curve over the steps, drawn by uPlot in the page's own colours. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useShownTheme } from '../ui/theme.ts';

export interface Line {
  name: string;
  values: (number | null)[];
}

interface CurveProps {
  title: string;
  steps: number[];
  lines: Line[];
}

const height = 210;
const colours = ['--accent', '--amber'];
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];

export function Curve({ title, steps, lines }: CurveProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useShownTheme();
  const names = lines.map(({ name }) => name).join('\n');
  const data: uPlot.AlignedData = [steps, ...lines.map(({ values }) => values)];
  const latest = useRef(data);
  latest.current = data;

  // Also when the theme has changed: its colours are read anew.
  useEffect(() => {
    const element = frame.current!;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name);
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { time: false } },
      axes: [
        // Half a step was never taken.
        { ...axis, size: 34, incrs: wholeSteps, values: (_, splits) => splits.map(shortNumber) },
        { ...axis, size: 58, values: (_, splits) => splits.map(shortNumber) },
      ],
      series: [
        {},
        ...names.split('\n').map((label, index) => ({
          label,
          stroke: colour(colours[index % colours.length]!),
          width: 1.75,
          spanGaps: true,
          // A line of few points is hard to see, and of one there is none.
          points: { show: (plot: uPlot) => plot.data[0].length < 30, size: 5 },
        })),
      ],
    };
    const drawn = new uPlot(options, latest.current, element);
    plot.current = drawn;
    const resize = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [names, theme]);

  useEffect(() => {
    plot.current?.setData(data);
  });

  const last = lines.map(({ name, values }) => {
    const value = shortNumber(values.findLast((value) => value !== null));
    return lines.length === 1 ? value : `${name} ${value}`;
  });
  return (
    <figure className="min-w-0 rounded-2xl border border-line bg-surface p-3">
      <figcaption className="flex flex-wrap items-baseline justify-between gap-x-3 px-1 pb-1 text-sm">
        <span className="font-medium">{title}</span>
        <span className="text-muted tabular-nums">{last.join(' · ')}</span>
      </figcaption>
      <div ref={frame} role="img" aria-label={`${title}: ${last.join(', ')}`} className="min-w-0" />
    </figure>
  );
}

/** Four digits are what a curve shows. */
export function shortNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1);
  if (Math.abs(value) >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(4)));
}
