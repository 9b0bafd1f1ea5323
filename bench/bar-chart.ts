/** Horizontal bars of ratios as SVG text, for light and dark pages. */

export interface Bar {
  name: string;
  /** How many times better than the peer: median and quartiles. */
  ratio: number;
  lower: number;
  upper: number;
  /** What we hold ourselves to. */
  goal?: number;
}

const width = 760;
const labelWidth = 330;
const row = 22;
const top = 48;
const plot = width - labelWidth - 60;

/** Bars with their quartiles as whiskers, a line at 1 (as fast as the peer), and a tick at each goal. */
export function ratioChart(title: string, bars: readonly Bar[]): string {
  const height = top + bars.length * row + 34;
  const most = Math.max(1.25, ...bars.map((bar) => Math.max(bar.upper, bar.goal ?? 0))) * 1.05;
  const x = (ratio: number) => Math.round((labelWidth + (ratio / most) * plot) * 10) / 10;
  const rows = bars.flatMap((bar, index) => {
    const y = top + index * row;
    const middle = y + 8;
    return [
      `<text x="${labelWidth - 8}" y="${middle + 4}" text-anchor="end">${escapeMarkup(bar.name)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${x(bar.ratio) - labelWidth}" height="16" fill="${bar.ratio >= (bar.goal ?? 1) ? '#009e73' : '#d55e00'}"/>`,
      `<path class="whisker" d="M${x(bar.lower)} ${middle}H${x(bar.upper)}"/>`,
      ...(bar.goal === undefined ? [] : [`<path class="goal" d="M${x(bar.goal)} ${y - 2}v20"/>`]),
      `<text x="${x(Math.max(bar.upper, bar.goal ?? 0)) + 6}" y="${middle + 4}">${bar.ratio.toFixed(2)}</text>`,
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(title)}">`,
    '<style>text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600;font-size:14px;fill:#111}.one{stroke:#888;stroke-dasharray:3 3}.goal{stroke:#111;stroke-width:2}.whisker{stroke:#0004;stroke-width:4}',
    '@media(prefers-color-scheme:dark){text{fill:#bbb}.title{fill:#eee}.goal{stroke:#eee}.whisker{stroke:#fff6}}</style>',
    `<text class="title" x="8" y="20">${escapeMarkup(title)}</text>`,
    ...rows,
    `<path class="one" d="M${x(1)} ${top - 8}V${top + bars.length * row}"/>`,
    `<text x="${x(1)}" y="${top + bars.length * row + 18}" text-anchor="middle">as the peer</text>`,
    '</svg>',
  ].join('\n')}\n`;
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
