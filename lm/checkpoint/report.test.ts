import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lineChart, lossChart } from './curves.ts';
import { Progress } from './progress.ts';
import { writeReport } from './report.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('line charts', () => {
  it('maps values to the plot: larger is higher and further right', () => {
    const svg = lineChart('t', { x: 'x', y: 'y' }, [
      {
        name: 's',
        points: [
          { x: 0, y: 0 },
          { x: 10, y: 5 },
        ],
      },
    ]);
    const [from, to] = /points="([^"]+)"/
      .exec(svg)![1]!
      .split(' ')
      .map((pair) => pair.split(',').map(Number));
    expect(to![0]!).toBeGreaterThan(from![0]!);
    expect(to![1]!).toBeLessThan(from![1]!);
  });

  it('follows the page from light to dark and escapes what it is given', () => {
    const svg = lineChart('a < b & "c"', { x: 'x', y: 'y' }, [{ name: '<script>', points: [{ x: 1, y: 1 }] }]);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).not.toContain('<script>');
    expect(svg).not.toContain('a < b');
  });

  it('draws a run of any length with a bounded number of points, and an empty one too', () => {
    const metrics = Array.from({ length: 100_000 }, (_, i) => ({
      step: i + 1,
      stage: 's',
      loss: 5 - i / 1e5,
      seconds: i,
    }));
    const svg = lossChart('loss', metrics);
    expect(svg.length).toBeLessThan(40_000);
    expect(svg).not.toContain('NaN');
    expect(lossChart('loss', [])).not.toContain('NaN');
    expect(lossChart('loss', [{ step: 1, stage: 's', loss: Number.NaN, seconds: 0 }])).not.toContain('NaN');
  });
});

describe('writeReport', () => {
  it('writes figures for programs and a page for people', () => {
    writeReport(folder, {
      title: 'Pretraining',
      figures: { validationLoss: 1.87654321, tokens: 1234567, nested: { a: 1 } },
      notes: ['A note.'],
      tables: [{ title: 'Tasks', columns: ['task', 'score'], rows: [['a|b', 0.5]] }],
      charts: { loss: '<svg/>' },
    });
    expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toEqual({
      validationLoss: 1.87654321,
      tokens: 1234567,
      nested: { a: 1 },
    });
    const page = readFileSync(join(folder, 'report.md'), 'utf8');
    for (const part of [
      '# Pretraining',
      '| validation loss | 1.877 |',
      '| tokens | 1,234,567 |',
      '![loss](loss.svg)',
      '| a\\|b | 0.5 |',
      'A note.',
    ]) {
      expect(page).toContain(part);
    }
    expect(readFileSync(join(folder, 'loss.svg'), 'utf8')).toBe('<svg/>');
  });
});

describe('Progress', () => {
  const record = (isTTY: boolean) => {
    const written: string[] = [];
    let time = 0;
    const output = { isTTY, columns: 60, write: (text: string) => written.push(text) };
    return { written, output, now: () => time, wait: (milliseconds: number) => (time += milliseconds) };
  };

  it('rewrites one line on a terminal, no longer than the terminal is wide', () => {
    const { written, output, now, wait } = record(true);
    const progress = new Progress('pretrain', 100, { output, now });
    progress.update({ step: 1, loss: 5 });
    wait(1000);
    progress.update({ step: 11, loss: 4.5, tokensPerSecond: 12_345 });
    progress.end();
    expect(written[1]).toBe('\r\x1b[2Kpretrain  11/100  loss 4.500  12.3k tokens/s  0:09 left');
    expect(written.every((text) => text.length <= 60 + 5)).toBe(true);
    expect(written.at(-1)).toBe('\n');
  });

  it('writes few whole lines to a log, the last step always, and nothing when quiet', () => {
    const { written, output, now, wait } = record(false);
    const progress = new Progress('sft', 1000, { output, now });
    for (let step = 1; step <= 1000; step++, wait(30)) progress.update({ step });
    expect(written).toHaveLength(4);
    expect(written.at(-1)).toMatch(/^sft {2}1000\/1000.*0:00 left\n$/);
    const quiet = record(true);
    new Progress('sft', 1, { output: quiet.output, quiet: true }).update({ step: 1 });
    expect(quiet.written).toEqual([]);
  });
});
