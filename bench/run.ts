/**
 * All figures beside their peers, on this machine:
 *
 *   npm run bench -- [PART ...] [--rounds 5] [--text FILE]... [--corpus FILE]
 *
 * PART is train, gemm, decode, ppo or tokenizer; default: all. Writes results.json (the parts measured now replace what was
 * there), RESULTS.md and charts/. The figures mean something only if nothing else runs on the machine.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuFeatures, measurePeak } from '@parley/engine';
import { parts, type Row } from './parts.ts';
import { type Machine, type PartResult, type Results, renderResults } from './results-page.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    text: { type: 'string', multiple: true, default: [] },
    corpus: { type: 'string' },
  },
});
const names = positionals.length > 0 ? positionals : Object.keys(parts);
for (const name of names) {
  if (!(name in parts)) throw new Error(`there is no part "${name}"; expected ${Object.keys(parts).join(', ')}`);
}
const settings = { rounds: Number(values.rounds), texts: values.text, corpus: values.corpus };

const machine: Machine = {
  processor: cpus()[0]?.model.trim() ?? 'unknown processor',
  processors: availableParallelism(),
  instructionSet: cpuFeatures(),
  memoryGB: totalmem() / 2 ** 30,
  node: process.versions.node,
};

for (const name of names) {
  const { title, explanation, measure } = parts[name]!;
  console.log(`${title} ...`);
  const peakGflops = measurePeak();
  const result: PartResult = {
    title,
    explanation,
    measuredAt: new Date().toISOString(),
    machine,
    peakGflops,
    rounds: settings.rounds,
    rows: [],
  };
  try {
    for await (const row of measure(settings)) {
      result.rows.push(row);
      console.log(`  ${summary(row)}`);
      // Some rows take minutes: what was measured stays, if the next is broken off.
      write(name, result);
    }
  } catch (error) {
    result.failure = (error as Error).message;
    console.error(`  ${result.failure}`);
    process.exitCode = 1;
  }
  if (result.failure !== undefined && result.rows.length > 0) write(name, result);
}

function write(name: string, result: PartResult): void {
  const path = join(import.meta.dirname, 'results.json');
  const before: Results = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Results) : {};
  const all = { ...before, [name]: result };
  const ordered = Object.fromEntries(Object.keys(parts).flatMap((part) => (all[part] ? [[part, all[part]]] : [])));
  writeFileSync(path, `${JSON.stringify(ordered, null, 1)}\n`);
  const { page, charts } = renderResults(ordered);
  writeFileSync(join(import.meta.dirname, 'RESULTS.md'), page);
  const folder = join(import.meta.dirname, 'charts');
  mkdirSync(folder, { recursive: true });
  for (const [file, svg] of Object.entries(charts)) writeFileSync(join(folder, file), svg);
}

function summary({ name, figure, unit, comparison }: Row): string {
  const ours = comparison.ours.figures[figure];
  const theirs = comparison.peers.map((peer) => {
    if ('absent' in peer) return `${peer.name} is absent (${peer.absent})`;
    return `${peer.name} ${peer.figures[figure]?.median.toPrecision(4)}, ratio ${peer.ratios[figure]?.median.toFixed(2)}`;
  });
  return `${name}: ${ours?.median.toPrecision(4)} ${unit}; ${theirs.join('; ')}`;
}
