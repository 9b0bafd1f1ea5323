import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from './fuzzed-text.ts';
import { SPLIT_PATTERN } from './split.ts';
import { type TrainingProgress, trainTokenizer, trainTokenizerInSteps } from './train.ts';
import { smallCorpus } from './training-text.ts';
import { WordCounts } from './word-counts.ts';

/** Byte-pair encoding as its definition reads: count every pair anew before every merge. */
function slowMerges(texts: readonly string[], merges: number): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of text.match(new RegExp(SPLIT_PATTERN, 'gu')) ?? []) {
      const bytes = Buffer.from(word).toString('latin1');
      counts.set(bytes, (counts.get(bytes) ?? 0) + 1);
    }
  }
  const spell = (bytes: string) => [...bytes].map((byte) => characterOf(byte.charCodeAt(0))).join('');
  const idOf = new Map(Array.from({ length: 256 }, (_, byte) => [characterOf(byte), characterOf(byte).charCodeAt(0)]));
  const words = [...counts].map(([bytes, count]) => ({ symbols: [...spell(bytes)], count }));
  const learned: string[] = [];
  while (learned.length < merges) {
    const pairs = new Map<string, number>();
    for (const { symbols, count } of words) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const rank = (pair: string) => pair.split(' ').map((token) => idOf.get(token)!) as [number, number];
    const best = [...pairs]
      .filter(([, count]) => count >= 2)
      .sort(([a, countA], [b, countB]) => countB - countA || rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1])[0];
    if (best === undefined) break;
    const [left, right] = best[0].split(' ') as [string, string];
    learned.push(best[0]);
    idOf.set(left + right, 1000 + idOf.size);
    for (const word of words) {
      for (let i = 0; i + 1 < word.symbols.length; i++) {
        if (word.symbols[i] === left && word.symbols[i + 1] === right) word.symbols.splice(i, 2, left + right);
      }
    }
  }
  return learned;
}

/** GPT-2's bytes_to_unicode, written another way than in byte-alphabet.ts. */
function characterOf(byte: number): string {
  const hidden = [...Array(256).keys()].filter((b) => b < 33 || (b > 126 && b < 161) || b === 173);
  return String.fromCharCode(hidden.includes(byte) ? 256 + hidden.indexOf(byte) : byte);
}

function jsonOf(tokenizer: ReturnType<typeof trainTokenizer>): string {
  return (tokenizer as unknown as { files: Record<string, string> }).files['tokenizer.json']!;
}

const mergesOf = (tokenizer: ReturnType<typeof trainTokenizer>): string[] => JSON.parse(jsonOf(tokenizer)).model.merges;

describe('training', () => {
  test('learns the merges of the definition', () => {
    expect(mergesOf(trainTokenizer({ texts: smallCorpus, vocabulary: 260 + 200 }))).toEqual(
      slowMerges(smallCorpus, 200),
    );
  });

  test('learns them from any text until no pair occurs twice', () => {
    const repetitive = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', '中', '\n'), maxLength: 60 }));
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.array(anyText, { maxLength: 3 })), (texts) => {
        fc.pre(texts.some((text) => text !== ''));
        expect(mergesOf(trainTokenizer({ texts, vocabulary: 320 }))).toEqual(slowMerges(texts, 60));
      }),
      { numRuns: 150 },
    );
  });

  test('counts overlapping pairs from the left', () => {
    const texts = ['aaaaa aaaaaaa aaa'];
    expect(mergesOf(trainTokenizer({ texts, vocabulary: 264 }))).toEqual(slowMerges(texts, 4));
  });

  test('reports its progress', () => {
    const seen: TrainingProgress[] = [];
    const texts = Array.from({ length: 40 }, () => smallCorpus.join('\n').repeat(40));
    trainTokenizer({ texts, vocabulary: 400, onProgress: (progress) => seen.push(progress) });
    expect(new Set(seen.map((progress) => progress.phase))).toEqual(new Set(['counting', 'merging']));
    expect(seen.at(-1)).toMatchObject({ documents: 40, target: 400 });
    expect(seen.at(-1)!.megabytes).toBeCloseTo(Buffer.byteLength(texts.join('')) / 1e6, 6);
  });

  test('refuses a vocabulary without room for the bytes, and no text', () => {
    expect(() => trainTokenizer({ texts: ['a'], vocabulary: 259 })).toThrow('vocabulary 259: expected at least 260');
    expect(() => trainTokenizer({ texts: [''], vocabulary: 300 })).toThrow('no text to train a tokenizer on');
  });
});

describe('an interrupted training', () => {
  const texts = Array.from({ length: 50 }, (_, i) => smallCorpus.map((text) => text.slice(i)).join(`\n${i}\n`));
  const vocabulary = 700;
  const whole = trainTokenizer({ texts, vocabulary });

  /** Trains until the checkpoint has been saved `saves` times, as if killed at that moment. */
  function killedAfter(saves: number, from: Uint8Array | null): Uint8Array | null {
    let state = from;
    let saved = 0;
    const checkpoint = {
      load: () => from,
      save: (bytes: Uint8Array) => {
        state = bytes;
        if (++saved === saves) throw new Error('killed');
      },
      everySeconds: 0,
    };
    try {
      trainTokenizer({ texts, vocabulary, checkpoint });
    } catch (error) {
      expect((error as Error).message).toBe('killed');
    }
    return state;
  }

  test('goes on to the same bytes, wherever it was killed and however often', () => {
    for (const saves of [1, 7, 49, 50, 51, 52, 200, 489]) {
      const state = killedAfter(saves, null);
      const resumed = trainTokenizer({
        texts,
        vocabulary,
        checkpoint: { load: () => state, save: () => {}, everySeconds: 60 },
      });
      expect(resumed.hash).toBe(whole.hash);
    }
    let state: Uint8Array | null = null;
    for (let kills = 0; kills < 10; kills++) state = killedAfter(37, state);
    const resumed = trainTokenizer({
      texts,
      vocabulary,
      checkpoint: { load: () => state, save: () => {}, everySeconds: 60 },
    });
    expect(resumed.hash).toBe(whole.hash);
  });

  test('can go on to a smaller or larger vocabulary', () => {
    const state = killedAfter(200, null);
    for (const other of [300, 900]) {
      const resumed = trainTokenizer({
        texts,
        vocabulary: other,
        checkpoint: { load: () => state, save: () => {}, everySeconds: 60 },
      });
      expect(resumed.hash).toBe(trainTokenizer({ texts, vocabulary: other }).hash);
    }
  });

  test('is refused if its state is truncated or changed', () => {
    const state = killedAfter(100, null)!;
    const damaged = Uint8Array.from(state);
    damaged[1000]! ^= 1;
    for (const bytes of [state.subarray(0, 500), state.subarray(0, 10), new Uint8Array(0), damaged]) {
      const checkpoint = { load: () => bytes, save: () => {}, everySeconds: 60 };
      expect(() => trainTokenizer({ texts, vocabulary, checkpoint })).toThrow(
        'truncated or corrupt: delete it to start again',
      );
    }
  });

  test('gives way to its caller between steps', () => {
    const steps = trainTokenizerInSteps({ texts, vocabulary });
    let count = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    expect(count).toBeGreaterThan(5);
    expect(step.value.hash).toBe(whole.hash);
  });
});

describe('counting words', () => {
  test('forgets the rarest words when there are too many', () => {
    const counts = new WordCounts(2000);
    for (let i = 0; i < 2000; i++) counts.add(` common word${i} ${i}`);
    const { units, starts, counts: times } = counts.words();
    expect(units.length).toBeLessThanOrEqual(2000);
    const words = [...times].map((_, i) => String.fromCharCode(...units.subarray(starts[i], starts[i + 1])));
    expect(times[words.indexOf(' common')]).toBe(2000);
    expect(times[words.indexOf(' word')]).toBe(2000);
  });

  test('cuts endless words between characters', () => {
    const counts = new WordCounts();
    counts.add(`x${'😀'.repeat(1000)}`);
    const { units, starts, counts: times } = counts.words();
    const words = [...times].map((_, i) => String.fromCharCode(...units.subarray(starts[i], starts[i + 1])));
    expect(words.map((word) => word.length)).toEqual([1, 256, 208]);
    expect(words.every((word) => word === Buffer.from(word).toString())).toBe(true);
  });
});
