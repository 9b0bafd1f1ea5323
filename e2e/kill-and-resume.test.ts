/**
 * kill -9 in the middle of every kind of training, at random moments: what resumes ends with the same bits as what
 * was never interrupted, and no file that a reader would open is ever half written.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@parley/engine';
import { readMetrics, SafetensorsFile } from '@parley/lm/checkpoint';
import { writeTinyData } from '@parley/recipes/testing/tiny-data';
import { afterAll, beforeAll, expect, test } from 'vitest';

const bin = join(import.meta.dirname, '..', 'cli', 'bin.mjs');
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1e6);
const random = new Random(seed);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-kill-'));
  writeFileSync(join(folder, 'text.txt'), inventedText(400_000));
  writeFileSync(join(folder, 'talks.jsonl'), inventedTalks(300));
  writeFileSync(join(folder, 'pairs.jsonl'), inventedPairs(300));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('tokenizer training', async () => {
  const args = ['tokenizer', 'train', '--data', join(folder, 'text.txt'), '--vocabulary', '12000'];
  const milliseconds = await reference('tokenizer', args);
  await survive('tokenizer', args, 3, milliseconds, () => {
    expectSameFile('tokenizer', 'tokenizer.json');
    expectSameFile('tokenizer', 'tokenizer_config.json');
  });
});

test('pretraining', async () => {
  const small = ['tokenizer', 'train', '--data', join(folder, 'text.txt'), '--vocabulary', '400'];
  await reference('small-tokenizer', small);
  const args = [
    ...['pretrain', '--data', join(folder, 'text.txt'), '--tokenizer', join(folder, 'small-tokenizer')],
    ...'--depth 2 --width 32 --heads 2 --context 64 --batch 4 --learning-rate 0.003'.split(' '),
    ...'--steps 120 --evaluate-every 20 --evaluate-batches 2 --checkpoint-every 5'.split(' '),
  ];
  const milliseconds = await reference('pretrain', args);
  await survive('pretrain', args, 4, milliseconds, () => expectSameTraining('pretrain', 'validationLoss'));
});

test('fine-tuning', async () => {
  const args = [
    ...['sft', '--model', join(folder, 'pretrain', 'model'), '--data', join(folder, 'talks.jsonl')],
    ...'--batch 4 --epochs 4 --evaluate-every 20 --checkpoint-every 5'.split(' '),
  ];
  const milliseconds = await reference('sft', args);
  await survive('sft', args, 3, milliseconds, () => expectSameTraining('sft', 'heldOutLoss'));
});

test('a reward model', async () => {
  const args = [
    ...['reward', '--model', join(folder, 'sft', 'model'), '--preferences', join(folder, 'pairs.jsonl')],
    ...'--batch 8 --epochs 3 --checkpoint-every 5'.split(' '),
  ];
  const milliseconds = await reference('reward', args);
  await survive('reward', args, 2, milliseconds, () => expectSameTraining('reward', 'accuracy'));
});

test('PPO', async () => {
  const args = [
    ...['ppo', '--model', join(folder, 'sft', 'model'), '--reward-model', join(folder, 'reward', 'model')],
    ...['--prompts', join(folder, 'talks.jsonl')],
    ...'--steps 24 --batch 16 --minibatches 2 --max-tokens 12 --checkpoint-every 2 --kl-target 2'.split(' '),
  ];
  const milliseconds = await reference('ppo', args);
  await survive('ppo', args, 4, milliseconds, () => expectSameTraining('ppo', 'last'));
});

test('the whole loop', async () => {
  const args = ['loop', '--preset', 'tiny', '--data', writeTinyData(join(folder, 'data'))];
  const milliseconds = await reference('loop', args);
  await survive('loop', args, 4, milliseconds, () => {
    for (const stage of ['sft', 'reward-1', 'ppo-1']) expectSameFile('loop', `${stage}/model/model.safetensors`);
    const cardOf = (run: string) => JSON.parse(readFileSync(join(folder, run, 'report.json'), 'utf8')).stages.card;
    expect(cardOf('loop-killed')).toEqual(cardOf('loop'));
  });
});

/** The run that nobody disturbs; returns how long it took. */
async function reference(name: string, args: string[]): Promise<number> {
  const started = performance.now();
  const { code, stderr } = await ended(start(args, name));
  expect(code, stderr).toBe(0);
  return performance.now() - started;
}

/**
 * Kills the same run `kills` times, each time after a random part of what the reference took, and lets it end. A run
 * that ends before its kill is compared too and started anew.
 */
async function survive(
  name: string,
  args: string[],
  kills: number,
  milliseconds: number,
  compare: () => void,
): Promise<void> {
  const victim = `${name}-killed`;
  for (let killed = 0; killed < kills; ) {
    const child = start(args, victim);
    const timer = setTimeout(() => child.kill('SIGKILL'), random.next() * milliseconds);
    const { code, signal, stderr } = await ended(child);
    clearTimeout(timer);
    expectNothingHalfWritten(join(folder, victim));
    if (signal === 'SIGKILL') {
      killed++;
      continue;
    }
    expect(code, `KILL_SEED=${seed} ${stderr}`).toBe(0);
    compare();
    rmSync(join(folder, victim), { recursive: true });
  }
  const { code, stderr } = await ended(start(args, victim));
  expect(code, `KILL_SEED=${seed} ${stderr}`).toBe(0);
  compare();
}

function start(args: string[], out: string): ChildProcess {
  return spawn(process.execPath, [bin, ...args, '--out', join(folder, out)], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  let stderr = '';
  child.stderr!.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stderr })));
}

/** Every file under its final name is whole: JSON parses, weights have the length that their header says. */
function expectNothingHalfWritten(run: string): void {
  if (!existsSync(run)) return;
  for (const entry of readdirSync(run, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /partial|\.tmp$|lock\.draft/.test(path)) continue;
    if (path.endsWith('.json')) JSON.parse(readFileSync(path, 'utf8'));
    if (path.endsWith('.safetensors')) SafetensorsFile.open(path).close();
  }
}

function expectSameTraining(name: string, figure: string): void {
  expectSameFile(name, 'model/model.safetensors');
  const losses = (run: string) =>
    readMetrics(join(folder, run, 'metrics.jsonl')).map(({ step, loss, validationLoss }) => [
      step,
      loss,
      validationLoss,
    ]);
  expect(losses(`${name}-killed`)).toEqual(losses(name));
  const report = (run: string) => JSON.parse(readFileSync(join(folder, run, 'report.json'), 'utf8'))[figure];
  expect(report(`${name}-killed`)).toEqual(report(name));
}

function expectSameFile(name: string, file: string): void {
  const same = readFileSync(join(folder, name, file)).equals(readFileSync(join(folder, `${name}-killed`, file)));
  expect(same, `${file} of the killed run differs (KILL_SEED=${seed})`).toBe(true);
}

/** Words of an invented language, always the same ones: long enough to train on, with something to learn. */
function inventedText(length: number): string {
  const draw = new Random(7);
  const syllables = ['ka', 'to', 'mi', 'ren', 'su', 'lo', '的', '是', 'vi', 'dan', 'e', '水', 'pos', 'tri'];
  let text = '';
  while (text.length < length) {
    const word = Array.from({ length: 1 + draw.integer(4) }, () => syllables[draw.integer(syllables.length)]).join('');
    text += word + (draw.integer(9) === 0 ? '.\n' : ' ');
  }
  return text;
}

function inventedTalks(count: number): string {
  const draw = new Random(8);
  const talk = (index: number) => {
    const [a, b] = [draw.integer(50), draw.integer(50)];
    const messages = [
      { role: 'user', content: `${a} + ${b}?` },
      { role: 'assistant', content: String(a + b) },
    ];
    return JSON.stringify({ id: String(index), messages, language: 'en', task: 'sum', source: 'invented' });
  };
  return `${Array.from({ length: count }, (_, index) => talk(index)).join('\n')}\n`;
}

function inventedPairs(count: number): string {
  const draw = new Random(9);
  const pair = () => {
    const [a, b] = [draw.integer(50), draw.integer(50)];
    return JSON.stringify({
      prompt: `${a} + ${b}?`,
      chosen: String(a + b),
      rejected: String(a + b + 1 + draw.integer(9)),
    });
  };
  return `${Array.from({ length: count }, pair).join('\n')}\n`;
}
