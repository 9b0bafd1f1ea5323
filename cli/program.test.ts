import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pretrainRecipeSchema } from '@parley/contracts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { catalogue } from './catalogue.ts';
import { kebab } from './flags.ts';
import { run } from './program.ts';

let folder: string;
let text: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-cli-'));
  text = join(folder, 'text.txt');
  writeFileSync(text, 'the cat sat on the mat and the dog sat on the log.\n'.repeat(200));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line in this process and catches what it writes. */
async function parley(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += chunk;
      return true;
    }),
  );
  try {
    return { code: await run(argv), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const flat = (text: string) => text.replace(/\s+/g, ' ');

const trainingRun = (out: string, steps: number) => [
  ...['pretrain', '--data', text, '--tokenizer', 'characters', '--out', join(folder, out)],
  ...'--depth 1 --width 32 --heads 2 --context 32 --batch 4 --steps'.split(' '),
  String(steps),
];

describe('help', () => {
  test('lists every command', async () => {
    const { code, stdout } = await parley('--help');
    expect(code).toBe(0);
    for (const { words } of catalogue) expect(stdout).toMatch(new RegExp(`^  ${words.split(' ')[0]} `, 'm'));
  });

  test.each(catalogue)('$words has its own', async ({ words, summary }) => {
    const { code, stdout } = await parley(...words.split(' '), '--help');
    expect(code).toBe(0);
    expect(flat(stdout)).toContain(summary);
  });

  test('flags come from the schema, with ranges and defaults', async () => {
    const stdout = flat((await parley('pretrain', '--help')).stdout);
    for (const name of Object.keys(pretrainRecipeSchema.shape)) expect(stdout).toContain(`--${kebab(name)} `);
    expect(stdout).toContain(
      'layers; width, heads, learning rate, batch and tokens follow from it (1 to 48; default 6)',
    );
    expect(stdout).toContain('--schedule <cosine|wsd|linear>');
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
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await parley(...argv);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('failures end with code 1 and one line', () => {
  test.each([
    ['a missing text', ['pretrain', '--data', 'nowhere', '--out', 'x'], /there is no file or folder nowhere/],
    ['a missing model', ['generate', '--model', 'nowhere', '--prompt', 'hi'], /nowhere/],
    ['a missing tokenizer', ['tokenizer', 'encode', '--model', 'nowhere'], /tokenizer.json does not exist/],
    [
      'an unknown data set',
      ['data', 'fetch', '--preset', 'everything'],
      /unknown data preset 'everything'; known: quick/,
    ],
  ])('%s', async (_name, argv, message) => {
    vi.stubEnv('PARLEY_HOME', join(folder, 'home'));
    const { code, stdout, stderr } = await parley(...argv);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^parley: /);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('PARLEY_DEBUG=1 adds the stack', async () => {
    vi.stubEnv('PARLEY_DEBUG', '1');
    expect((await parley('tokenizer', 'encode', '--model', 'nowhere')).stderr).toMatch(/^\s+at .*\.ts:\d+/m);
    vi.unstubAllEnvs();
  });
});

describe('training', () => {
  test('--json prints one object on standard output and nothing else', async () => {
    const { code, stdout, stderr } = await parley(...trainingRun('run', 20), '--json');
    expect(stderr).toContain('validation loss');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(folder, 'run', 'report.json'), 'utf8')));
  });

  test('the model answers, the same for the same seed', async () => {
    const model = join(folder, 'run', 'model');
    const ask = `generate --model ${model} --raw --prompt the --max-tokens 12 --seed 3 --json`.split(' ');
    const answer = JSON.parse((await parley(...ask)).stdout);
    expect(answer).toEqual({
      text: expect.any(String),
      ids: expect.any(Array),
      finishReason: 'length',
      tokensPerSecond: expect.any(Number),
    });
    expect(answer.ids).toHaveLength(12);
    expect(JSON.parse((await parley(...ask)).stdout).ids).toEqual(answer.ids);
  });

  test('what the model cannot do is said in one line', async () => {
    const model = join(folder, 'run', 'model');
    const ask = (prompt: string, ...flags: string[]) =>
      parley('generate', '--model', model, '--prompt', prompt, ...flags);
    expect(await ask('the cat sat on the mat and the dog', '--raw')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^parley: This model's maximum context length is 32 tokens, .*\n$/),
    });
    expect((await ask('the cat')).stderr).toMatch(/^parley: the tokenizer has no chat template.*\n$/);
    const weights = join(model, 'model.safetensors');
    writeFileSync(weights, readFileSync(weights).subarray(0, 5000));
    expect(await ask('the', '--raw')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^parley: .*(model\.safetensors|are damaged).*\n$/),
    });
  });

  test('Ctrl-C saves, says how to go on and ends with 130; a second process is refused meanwhile', async () => {
    const endless = trainingRun('interrupted', 100_000);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'bin.mjs'), ...endless], { stdio: 'pipe' });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await vi.waitUntil(() => readText(join(folder, 'interrupted', 'metrics.jsonl')).includes('\n'), 50_000);
    const second = await parley(...endless);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/interrupted is in use by process \d+; wait for it to end, stop it, or choose/);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const [, step] = /parley: stopped at step (\d+) of 100000; the same command goes on from there/.exec(stderr) ?? [];
    expect(readdirSync(join(folder, 'interrupted', 'checkpoints'))).toContain(`step-${step}`);
  });
});

test('a tokenizer is trained from a text file', async () => {
  const out = join(folder, 'tokenizer');
  const { stdout } = await parley(...`tokenizer train --data ${text} --vocabulary 300 --out ${out} --json`.split(' '));
  expect(JSON.parse(stdout)).toMatchObject({ vocabulary: expect.any(Number), seconds: expect.any(Number) });
  expect(JSON.parse(readFileSync(join(out, 'tokenizer.json'), 'utf8')).model.type).toBe('BPE');
});

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
