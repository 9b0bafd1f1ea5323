import { expect, test } from 'vitest';
import { spread } from './comparison.ts';
import { type PartResult, renderResults } from './results-page.ts';

const part: PartResult = {
  title: 'Training',
  explanation: 'One step.',
  measuredAt: '2026-01-02T03:04:05.000Z',
  machine: { processor: 'CPU', processors: 2, instructionSet: 'avx512', memoryGB: 8, node: '20.19.0' },
  peakGflops: { bf16: 400, f32: 200 },
  rounds: 3,
  rows: [
    {
      name: 'small & fast',
      figure: 'speed',
      unit: 'tokens/s',
      goal: 1.5,
      comparison: {
        rounds: 3,
        ours: { name: 'Parley', figures: { speed: spread([20, 22, 24]), shareOfPeak: spread([0.8]) } },
        peers: [
          { name: 'PyTorch', figures: { speed: spread([10, 11, 12]) }, ratios: { speed: spread([2, 2, 2]) } },
          { name: 'Nowhere', absent: 'not installed' },
        ],
      },
    },
    {
      name: 'memory',
      figure: 'megabytes',
      unit: 'MB',
      lowerIsBetter: true,
      comparison: {
        rounds: 3,
        ours: { name: 'Parley', figures: { megabytes: spread([50]) } },
        peers: [{ name: 'PyTorch', figures: { megabytes: spread([200]) }, ratios: { megabytes: spread([0.25]) } }],
      },
    },
  ],
};

test('a table says what was measured, beside whom, and who is absent', () => {
  const { page, charts } = renderResults({ train: part });
  expect(page).toContain('Measured 2026-01-02 in 3 rounds on 2 x CPU (avx512), 8 GB, Node 20.19.0');
  expect(page).toContain(
    '| small & fast | 22.0 tokens/s (21.0-23.0) | 80 % | PyTorch | 11.0 tokens/s (10.5-11.5) | 2.00 (2.00-2.00) | 1.5 |',
  );
  expect(page).toContain('| Nowhere | absent: not installed |');
  expect(page).toContain('(charts/train.svg)');
  expect(Object.keys(charts)).toEqual(['train.svg']);
});

test('a share of the bandwidth at full width stands beside the one of what is read, where they differ', () => {
  const figures = { speed: spread([20]), shareOfBandwidth: spread([0.7]), shareOfFullWidth: spread([0.93]) };
  const row = part.rows[0]!;
  const page = (share: typeof figures) => {
    const comparison = { ...row.comparison, ours: { name: 'Parley', figures: share } };
    return renderResults({ decode: { ...part, rows: [{ ...row, comparison }] } }).page;
  };
  expect(page(figures)).toContain('| 70 % (93 %) | PyTorch |');
  expect(page({ ...figures, shareOfFullWidth: spread([0.7]) })).toContain('| 70 % | PyTorch |');
});

test('less memory counts as better, in the table and in the chart', () => {
  const { page, charts } = renderResults({ train: part });
  expect(page).toContain('| memory | 50.0 MB (50.0-50.0) |  | PyTorch | 200 MB (200-200) | 4.00 (4.00-4.00) |');
  expect(charts['train.svg']).toContain('>4.00</text>');
  expect(charts['train.svg']).toContain('small &#38; fast: PyTorch');
});

test('a part that broke off says so', () => {
  expect(renderResults({ train: { ...part, failure: 'out of text' } }).page).toContain('**Not finished:** out of text');
});
