import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pretrainRecipeSchema } from '@parley/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from './catalogue.ts';
import { kebab } from './flags.ts';

const bin = join(import.meta.dirname, 'bin.mjs');
let folder: string;
let text: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-cli-'));
  text = join(folder, 'text.txt');
  writeFileSync(text, 'the cat sat on the mat and the dog sat on the log.\n'.repeat(200));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Running {
  child: ReturnType<typeof spawn>;
  outcome: Promise<Outcome>;
}

function start(args: string[], input = '', env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env } });
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (outcome.stdout += chunk));
  child.stderr.on('data', (chunk) => (outcome.stderr += chunk));
  child.stdin.end(input);
  return {
    child,
    outcome: new Promise((resolve) => child.on('close', (code) => resolve({ ...outcome, code }))),
  };
}

const parley = (args: string[], input?: string, env?: Record<string, string>) => start(args, input, env).outcome;

const tinyRun = (out: string, steps = 20) =>
  `pretrain --data ${text} --tokenizer characters --out ${join(folder, out)} --depth 1 --width 32 --heads 2 --context 32 --batch 4 --steps ${steps}`.split(
    ' ',
  );

describe('help', () => {
  test('lists every command within half a second or so', async () => {
    const started = performance.now();
    const { code, stdout } = await parley(['--help']);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(code).toBe(0);
    for (const { words } of catalogue) expect(stdout).toContain(words.split(' ')[0]);
  });

  test('every command has its own', async () => {
    for (const { words, summary } of catalogue) {
      const { code, stdout } = await parley([...words.split(' '), '--help']);
      expect(code, words).toBe(0);
      expect(stdout.replace(/\s+/g, ' ')).toContain(summary.replace(/\s+/g, ' '));
    }
  });

  test('flags come from the schema, with ranges and defaults', async () => {
    const { stdout } = await parley(['pretrain', '--help']);
    const flat = stdout.replace(/\s+/g, ' ');
    for (const name of Object.keys(pretrainRecipeSchema.shape)) expect(flat).toContain(`--${kebab(name)} `);
    expect(flat).toContain('layers; width, heads, learning rate, batch and tokens follow from it (1 to 48; default 6)');
    expect(flat).toContain('--schedule <cosine|wsd|linear>');
  });
});

describe('typing mistakes end with code 2 and one line that helps', () => {
  test.each([
    [['pretrian'], /unknown command 'pretrian' \(Did you mean pretrain\?\)/],
    [['tokenizer', 'trian'], /unknown command 'trian' \(Did you mean train\?\)/],
    [['pretrain', '--stesp', '3'], /unknown option '--stesp' \(Did you mean --steps\?\)/],
    [['pretrain', '--steps', 'many'], /--steps <integer>' argument 'many' is invalid. It must be a number/],
    [['pretrain', '--steps', '2.5'], /'2.5' is invalid. .*int/],
    [['pretrain', '--depth', '99'], /'99' is invalid. Too big: expected number to be <=48/],
    [['pretrain', '--schedule', 'square'], /'square' is invalid/],
    [['pretrain', '--preset', 'huge'], /no such preset here; choose one of quick, assistant, shakespeare-char, tiny/],
    [['loop', '--preset', 'shakespeare-char'], /no such preset here; choose one of quick, assistant, tiny/],
    [['pretrain', '--data', 'x'], /--out is missing: run directory/],
    [['generate', '--prompt', 'hi'], /required option '--model <folder>' not specified/],
    [['chat'], /missing required argument 'folder'/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await parley(args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('failures end with code 1 and one line', () => {
  test.each([
    [
      'a missing text',
      ['pretrain', '--data', 'nowhere.txt', '--out', 'unused'],
      /there is no file or folder nowhere.txt/,
    ],
    ['a missing model', ['generate', '--model', 'nowhere', '--prompt', 'hi'], /nowhere/],
    ['a missing tokenizer', ['tokenizer', 'encode', '--model', 'nowhere'], /tokenizer.json does not exist/],
  ])('%s', async (_name, args, message) => {
    const { code, stdout, stderr } = await parley(args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('PARLEY_DEBUG=1 adds the stack', async () => {
    const { stderr } = await parley(['tokenizer', 'encode', '--model', 'nowhere'], '', { PARLEY_DEBUG: '1' });
    expect(stderr).toMatch(/^\s+at .*\.ts:\d+/m);
  });
});

describe('training', () => {
  test('--json prints one object on standard output and nothing else; the model answers', async () => {
    const { code, stdout, stderr } = await parley([...tinyRun('run'), '--json']);
    expect(stderr).toContain('validation loss');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(folder, 'run', 'report.json'), 'utf8')));

    const model = join(folder, 'run', 'model');
    const ask = `generate --model ${model} --raw --prompt the --max-tokens 12 --temperature 0 --seed 3 --json`.split(
      ' ',
    );
    const [first, second] = await Promise.all([parley(ask), parley(ask)]);
    const answer = JSON.parse(first.stdout);
    expect(answer).toEqual({
      text: expect.any(String),
      ids: expect.any(Array),
      finishReason: 'length',
      tokensPerSecond: expect.any(Number),
    });
    expect(answer.ids).toHaveLength(12);
    expect(JSON.parse(second.stdout).ids).toEqual(answer.ids);
  });

  test('Ctrl-C saves, says how to go on and ends with 130; a second process is refused meanwhile', async () => {
    const long = tinyRun('interrupted', 100_000);
    const { child, outcome } = start(long);
    await until(() => readText(join(folder, 'interrupted', 'metrics.jsonl')).includes('\n'));
    const second = await parley(long);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /interrupted is in use by process \d+; wait for it to end, stop it, or choose another/,
    );
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect(stderr).toMatch(/parley: stopped at step \d+ of 100000; the same command goes on from there/);
    expect(code).toBe(130);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

describe('tokenizer', () => {
  test('trains; encode and decode are JSON lines, the other way round', async () => {
    const out = join(folder, 'tokenizer');
    const trained = await parley(['tokenizer', 'train', '--data', text, '--vocabulary', '300', '--out', out, '--json']);
    expect(JSON.parse(trained.stdout)).toMatchObject({ vocabulary: expect.any(Number), seconds: expect.any(Number) });
    const lines = ['the cat', '', '你好，世界 🙂', 'a\nb\u2028c', '<|im_end|>'].map((line) => JSON.stringify(line));
    const encoded = await parley(['tokenizer', 'encode', '--model', out, '--json'], `${lines.join('\n')}\n`);
    expect(encoded.code).toBe(0);
    const ids = encoded.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(ids).toHaveLength(5);
    expect(ids[0].length).toBeLessThan(7);
    expect(ids[4]).not.toContain(2);
    const decoded = await parley(['tokenizer', 'decode', '--model', out, '--json'], encoded.stdout);
    expect(
      decoded.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(lines.map((line) => JSON.parse(line)));
  });

  test('a bad line is named by its number', async () => {
    const model = join(folder, 'tokenizer');
    const broken = await parley(['tokenizer', 'encode', '--model', model], '"good"\nbad\n');
    expect(broken).toMatchObject({ code: 2, stderr: 'parley: line 2 of standard input is not JSON: bad\n' });
    const wrong = await parley(['tokenizer', 'decode', '--model', model], '["a"]\n');
    expect(wrong.stderr).toMatch(/line 1 of standard input: .*expected number/);
    const unknown = await parley(['tokenizer', 'decode', '--model', model], '[99999]\n');
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/token id 99999 is not in the vocabulary/),
    });
  });
});
