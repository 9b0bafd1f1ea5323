/**
 * A command that behaves as a recipe does, and takes as long as it is told: `… --out FOLDER --epochs N` counts to N,
 * writes a checkpoint for every number, goes on from the newest one, ends with 130 at SIGINT, and notes in a file when
 * it works, so that a test can see that no two worked at once. In a folder named crash… or fail… it does that.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = `
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
const flag = (name) => process.argv[process.argv.indexOf(name) + 1];
const [out, until, behaviour] = [flag('--out'), flag('--epochs'), basename(flag('--out'))];
const checkpoints = join(out, 'checkpoints');
mkdirSync(checkpoints, { recursive: true });
const note = (what) => appendFileSync(join(out, '..', 'notes.txt'), what + ' ' + process.pid + '\\n');
let stop = false;
process.on('SIGINT', () => { stop = true; });
note('begin');
if (behaviour.startsWith('fail')) {
  console.error('counting');
  console.error('parley: the numbers are used up; get more');
  note('end');
  process.exit(1);
}
let step = Math.max(0, ...readdirSync(checkpoints).map((name) => Number(name.slice('step-'.length))));
const timer = setInterval(() => {
  if (behaviour.startsWith('crash')) { note('end'); process.kill(process.pid, 'SIGKILL'); return; }
  if (!stop && step < Number(until)) {
    step++;
    mkdirSync(join(checkpoints, 'step-' + step));
    appendFileSync(join(out, 'metrics.jsonl'), JSON.stringify({ step, stage: 'sft', loss: 1 / step, seconds: step }) + '\\n');
    console.error('counted to ' + step);
    return;
  }
  clearInterval(timer);
  if (step >= Number(until)) writeFileSync(join(out, 'report.json'), '{}');
  note('end');
  process.exit(step >= Number(until) ? 0 : 130);
}, 10);
`;

/** @returns the command's file */
export function writeCountingJob(folder: string): string {
  const file = join(folder, 'counting-job.mjs');
  writeFileSync(file, source);
  return file;
}
