/**
 * Speed of the tokenizer on a file of text: learning merges from all of it, then encoding all of it. The text is cut
 * into documents of about a megabyte at line ends, in bytes, so that the peers' scripts cut it alike.
 */
import { readFileSync } from 'node:fs';
import { setThreads, threads } from '@parley/engine';
import { type Tokenizer, trainTokenizer } from '@parley/lm/tokenizer';
import { spread } from './comparison.ts';

export interface TokenizerBenchmark {
  train: { megabytes: number; seconds: number; vocabulary: number };
  /** `megabytesPerSecond` on all threads, which share documents from about 100 KB on; `oneThread` on one. */
  encode: { megabytesPerSecond: number; oneThread: number; tokens: number };
  threads: number;
}

const DOCUMENT_BYTES = 1 << 20;

/** @throws Error if the file is not there or empty */
export function readTexts(path: string): { texts: string[]; megabytes: number } {
  const bytes = readFileSync(path);
  if (bytes.length === 0) throw new Error(`${path} is empty: give a file of text`);
  const texts: string[] = [];
  for (let from = 0; from < bytes.length; ) {
    const lineEnd = bytes.indexOf(0x0a, from + DOCUMENT_BYTES);
    const to = lineEnd === -1 ? bytes.length : lineEnd + 1;
    texts.push(bytes.toString('utf8', from, to));
    from = to;
  }
  return { texts, megabytes: bytes.length / 1e6 };
}

/** Trains on the file, then encodes it with the result; speeds of encoding are medians of three passes. */
export function benchTokenizer(path: string, vocabulary = 32_768): TokenizerBenchmark {
  const { texts, megabytes } = readTexts(path);
  const started = performance.now();
  const tokenizer = trainTokenizer({ texts, vocabulary });
  const seconds = (performance.now() - started) / 1000;
  const all = threads();
  const passes = Array.from({ length: 3 }, () => ({
    oneThread: encodingSpeed(tokenizer, texts, megabytes, 1).megabytesPerSecond,
    ...encodingSpeed(tokenizer, texts, megabytes, all),
  }));
  return {
    train: { megabytes, seconds, vocabulary: tokenizer.vocabulary },
    encode: {
      megabytesPerSecond: spread(passes.map((pass) => pass.megabytesPerSecond)).median,
      oneThread: spread(passes.map((pass) => pass.oneThread)).median,
      tokens: passes[0]!.tokens,
    },
    threads: all,
  };
}

/** One pass over the texts on a number of threads. */
export function encodingSpeed(
  tokenizer: Tokenizer,
  texts: readonly string[],
  megabytes: number,
  onThreads: number,
): { megabytesPerSecond: number; tokens: number } {
  const before = threads();
  setThreads(onThreads);
  try {
    const started = performance.now();
    let tokens = 0;
    for (const text of texts) tokens += tokenizer.encode(text).length;
    return { megabytesPerSecond: (megabytes / (performance.now() - started)) * 1000, tokens };
  } finally {
    setThreads(before);
  }
}
