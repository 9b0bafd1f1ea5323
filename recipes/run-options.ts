import { readFileSync } from 'node:fs';
import type { RunDirectory } from '@parley/lm/checkpoint';

/** What does not influence a recipe's result. */
export interface RunOptions {
  /** Says nothing on standard error. */
  quiet?: boolean;
  /** The model's name in its manifest; the run directory's own name if absent. */
  name?: string;
}

/** The report of a run that was finished before; says so. */
export function finishedReport<Report>(run: RunDirectory, { quiet }: RunOptions): Report {
  if (!quiet) process.stderr.write(`${run.folder} was finished before; its report stands\n`);
  return JSON.parse(readFileSync(run.path('report.json'), 'utf8'));
}
