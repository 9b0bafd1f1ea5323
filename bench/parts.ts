/**
 * The parts of the benchmark: what is measured, beside whom, and what we hold ourselves to. Peers are looked for in
 * peers/.installed (peers/install.sh fills it); one that is missing is a line in the result.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setPrecision, threads } from '@parley/engine';
import { SPLIT_PATTERN, Tokenizer, trainTokenizer } from '@parley/lm/tokenizer';
import { compareGemm } from './compare-gemm.ts';
import { compareTrain } from './compare-train.ts';
import { type Comparison, type Contender, compare, type Figures, runJson } from './comparison.ts';
import { benchGemm } from './gemm.ts';
import type { GenerationSpeed, PpoBenchmark } from './ppo.ts';
import { encodingSpeed, readTexts } from './tokenizer.ts';

/** One line of a table. */
export interface Row {
  name: string;
  /** The figure of the comparison that counts, and its unit. */
  figure: string;
  unit: string;
  lowerIsBetter?: boolean;
  /** How many times better than the best peer we want to be. */
  goal?: number;
  comparison: Comparison;
}

export interface Settings {
  rounds: number;
  /** Files of text for the tokenizer to encode. */
  texts: string[];
  /** A file of text to learn merges from; default: the first text. */
  corpus?: string;
}

export interface Part {
  title: string;
  /** What the figures mean, for the page of results. */
  explanation: string;
  measure: (settings: Settings) => AsyncGenerator<Row>;
}

/** What `bench ppo --json` prints. */
type PpoFigures = PpoBenchmark & { generation: Record<string, GenerationSpeed> };

const peers = join(import.meta.dirname, 'peers');
const python = join(peers, '.installed/venv/bin/python');
const parley = join(import.meta.dirname, '../cli/bin.mjs');
const tsx = join(import.meta.dirname, '../node_modules/.bin/tsx');

export const parts: Record<string, Part> = {
  train: {
    title: 'Training',
    explanation:
      'One step: forward, backward, clipping, AdamW. A size is layers x width x heads x context x batch x vocabulary. ' +
      "The peer is the fastest of PyTorch's modes (f32, bf16 autocast, each with and without torch.compile).",
    async *measure({ rounds }) {
      const cases = [
        ['6x384x6x256x16x8192', 'bf16', 1.6, undefined],
        ['4x128x4x64x12x4096', 'bf16', 2.2, undefined],
        ['12x768x12x1024x2x50257', 'bf16', 1.3, 1 / 0.6],
        ['6x384x6x256x16x8192', 'f32', undefined, undefined],
      ] as const;
      for (const [size, precision, goal, memoryGoal] of cases) {
        const { comparison } = await compareTrain(python, size, precision, rounds);
        const common = { name: `${size}, ${precision}`, comparison };
        yield { ...common, figure: 'tokensPerSecond', unit: 'tokens/s', ...(goal && { goal }) };
        yield {
          ...common,
          name: `${common.name}, memory`,
          figure: 'memoryMB',
          unit: 'MB',
          lowerIsBetter: true,
          ...(memoryGoal && { goal: memoryGoal }),
        };
      }
    },
  },

  gemm: {
    title: 'Matrix products',
    explanation:
      'First 1024 x 1024 x 1024 in f32. Then shapes with a small dimension, m x n x k, in the directions of a linear ' +
      'layer (forward, dX, dW) in f32, beside OpenBLAS.',
    async *measure({ rounds }) {
      yield { ...productRow, comparison: await compare(ourProduct, [onnxruntime, jaxJs], rounds) };
      const comparison = await compareGemm(python, rounds);
      for (const figure of Object.keys(comparison.ours.figures)) {
        yield { name: figure, figure, unit: 'GFLOP/s', goal: 0.9, comparison: onlyFigure(comparison, figure) };
      }
    },
  },

  decode: {
    title: 'Generation',
    explanation:
      "At the dimensions of SmolLM2-135M with random weights, beside llama.cpp's native build with weights of the same " +
      'precision (bf16; 8 bits and q8_0): a batch of answers that grow, and one prompt that is read. Up to eight answers at ' +
      'once, Parley keeps bf16 weights in 12 bits without loss; the share of the bandwidth counts the bytes that it reads, ' +
      'and in brackets all 16 bits, which the bandwidth limits a program to that reads them.',
    async *measure({ rounds }) {
      for (const [precision, type] of [
        ['bf16', 'bf16'],
        ['int8', 'q8_0'],
      ] as const) {
        for (const [batch, prompt, goal] of [
          [1, 16, 1.3],
          [32, 16, 3],
          [64, 16, 3],
        ] as const) {
          const comparison = await compareDecode(precision, type, batch, prompt, rounds);
          yield { name: `batch ${batch}, ${precision}`, figure: 'tokensPerSecond', unit: 'tokens/s', goal, comparison };
        }
        const comparison = await compareDecode(precision, type, 1, 512, rounds);
        const name = `a prompt of 512 tokens, ${precision}`;
        yield { name, figure: 'promptTokensPerSecond', unit: 'tokens/s', goal: 1.5, comparison };
      }
    },
  },

  ppo: {
    title: 'PPO',
    explanation:
      'Batches of 64 answers of 48 tokens to prompts of 32, two passes of four steps each, with a reference, a reward ' +
      'model and a critic of the same size, all with random weights. No peer runs PPO on language models without a ' +
      'graphics card, so Parley stands alone here.',
    async *measure({ rounds }) {
      for (const size of ['quick', 'smollm2-135m']) {
        const ours = ['bench', 'ppo', '--size', size, '--json'];
        const measure = () => {
          const { secondsPer1000Episodes, generation } = runJson<PpoFigures>(parley, ours);
          return { secondsPer1000Episodes, batchGain: generation[size]!.ratio };
        };
        const none = { name: 'none', measure: () => Promise.reject(new Error('nothing comparable on processors')) };
        const comparison = await compare({ name: 'Parley', measure }, [none], rounds);
        const name = `${size}, 1,000 answers`;
        yield { name, figure: 'secondsPer1000Episodes', unit: 's', lowerIsBetter: true, comparison };
        yield { name: `${size}, generation at batch 64 to batch 1`, figure: 'batchGain', unit: 'times', comparison };
      }
    },
  },

  tokenizer: {
    title: 'Tokenizer',
    explanation:
      'Learning 32,768 tokens from a corpus, and encoding texts with the result in documents of a megabyte. ' +
      'The peers use the same merges and the same split, in the spelling that suits their regular expressions best; ' +
      "tiktoken's ids are checked against ours.",
    async *measure({ rounds, texts, corpus = texts[0] }) {
      if (corpus === undefined) throw new Error('the tokenizer needs text: npm run bench -- tokenizer --text FILE');
      const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
      try {
        trainTokenizer({ texts: readTexts(corpus).texts, vocabulary: 32_768 }).save(folder);
        for (const path of texts) yield* encodingRows(path, folder, rounds);
        yield await trainingRow(corpus, rounds);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
};

const productSize = 1024;
const productRow = { name: '1024 x 1024 x 1024, f32', figure: 'gflops', unit: 'GFLOP/s' };

const ourProduct: Contender = {
  name: 'Parley',
  measure: () => {
    setPrecision('f32');
    const shape = { m: productSize, n: productSize, k: productSize };
    const { shapes } = benchGemm([shape], ['f32'], 1);
    return { gflops: shapes.find(({ direction }) => direction === 'forward')!.gflops };
  },
};

const onnxruntime = nodePeer('onnxruntime-node', 'matmul-onnxruntime.mjs');
const jaxJs = nodePeer('jax-js (WebAssembly)', 'matmul-jax-js.mjs');

function nodePeer(name: string, script: string): Contender {
  const args = [join(peers, script), String(productSize), String(threads())];
  return { name, measure: () => ({ gflops: runJson(process.execPath, args).gflops! }) };
}

/** A comparison of many figures, cut down to one. */
function onlyFigure(comparison: Comparison, figure: string): Comparison {
  const only = <T>(record: Record<string, T>) => (figure in record ? { [figure]: record[figure]! } : {});
  return {
    ...comparison,
    ours: { ...comparison.ours, figures: only(comparison.ours.figures) },
    peers: comparison.peers.map((peer) =>
      'absent' in peer ? peer : { ...peer, figures: only(peer.figures), ratios: only(peer.ratios) },
    ),
  };
}

function compareDecode(precision: string, type: string, batch: number, prompt: number, rounds: number) {
  const flags = ['--batch', String(batch), '--prompt', String(prompt)];
  const pick = ({ tokensPerSecond, promptTokensPerSecond, shareOfBandwidth, shareOfFullWidth }: Figures): Figures => ({
    ...(tokensPerSecond !== undefined && { tokensPerSecond }),
    ...(promptTokensPerSecond !== undefined && { promptTokensPerSecond }),
    ...(shareOfBandwidth !== undefined && { shareOfBandwidth }),
    ...(shareOfFullWidth !== undefined && { shareOfFullWidth }),
  });
  const ours = ['bench', 'decode', '--size', 'smollm2-135m', '--precision', precision, ...flags, '--json'];
  const theirs = [join(peers, 'llama-cpp.ts'), 'smollm2-135m', type, String(batch), String(prompt)];
  return compare(
    { name: `Parley ${precision}`, measure: () => pick(runJson(parley, ours)) },
    [{ name: `llama.cpp ${type}`, measure: () => pick(runJson(tsx, theirs)) }],
    rounds,
  );
}

async function* encodingRows(path: string, folder: string, rounds: number): AsyncGenerator<Row> {
  const { texts, megabytes } = readTexts(path);
  const tokenizer = Tokenizer.load(folder);
  const input = peersPattern;
  const script = join(peers, 'tiktoken-encode.py');
  const digest = createHash('sha256');
  for (const text of texts) digest.update(Int32Array.from(tokenizer.encode(text)));
  const ids = digest.digest('hex');
  let agreed = false;
  const comparison = await compare(
    {
      name: 'Parley',
      measure: () => {
        const best = (onThreads: number) => {
          const passes = [0, 1].map(() => encodingSpeed(tokenizer, texts, megabytes, onThreads));
          return Math.max(...passes.map((pass) => pass.megabytesPerSecond));
        };
        return { oneThread: best(1), megabytesPerSecond: best(threads()) };
      },
    },
    [
      {
        name: `tiktoken ${versionOf('tiktoken')}`,
        measure: () => {
          agreed ||= runJson<{ ids: string }>(python, [script, folder, path, '--ids'], { input }).ids === ids;
          if (!agreed) throw new Error('its ids differ from ours');
          const run = runJson(python, [script, folder, path, String(threads())], { input });
          return { oneThread: run.oneThread!, megabytesPerSecond: run.megabytesPerSecond! };
        },
      },
    ],
    rounds,
  );
  const name = `encoding ${basename(path)}, ${megabytes.toFixed(0)} MB`;
  yield { name: `${name}, one thread`, figure: 'oneThread', unit: 'MB/s', goal: 2, comparison };
  yield { name: `${name}, ${threads()} threads`, figure: 'megabytesPerSecond', unit: 'MB/s', goal: 2, comparison };
}

async function trainingRow(path: string, rounds: number): Promise<Row> {
  const { texts, megabytes } = readTexts(path);
  const comparison = await compare(
    {
      name: 'Parley',
      measure: () => {
        const started = performance.now();
        trainTokenizer({ texts, vocabulary: 32_768 });
        return { seconds: (performance.now() - started) / 1000 };
      },
    },
    [
      {
        name: `tokenizers ${versionOf('tokenizers')}`,
        measure: () => {
          const run = runJson(python, [join(peers, 'tokenizers-train.py'), path, '32768'], {
            environment: { RAYON_NUM_THREADS: String(threads()) },
            input: peersPattern,
          });
          return { seconds: run.seconds! };
        },
      },
    ],
    rounds,
  );
  const name = `learning from ${basename(path)}, ${megabytes.toFixed(0)} MB`;
  return { name, figure: 'seconds', unit: 's', lowerIsBetter: true, goal: 1, comparison };
}

/** Our split with its look-aheads written as intersections of classes, which the peers' engines match faster. */
const peersPattern = SPLIT_PATTERN.replace(/\(\?:\(\?!\[([^\]]+)\]\)\[([^\]]+)\]\)/g, '[[$2]&&[^$1]]');

function versionOf(name: string): string {
  const script = `import json, importlib.metadata as m; print(json.dumps({"version": m.version("${name}")}))`;
  try {
    return runJson<{ version: string }>(python, ['-c', script]).version;
  } catch {
    return '';
  }
}
