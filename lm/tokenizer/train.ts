/**
 * Learns the merges of a byte-level BPE tokenizer (Sennrich et al. 2016): the most frequent adjacent pair of
 * symbols becomes a new symbol, again and again until the vocabulary is full.
 *
 * Two phases. Counting reads every document once and keeps each distinct word with its count. Merging works on
 * the distinct words alone, through an index of pairs that costs as much per merge as it changes (pair-index.ts).
 * Nothing in it is random and ties have an order, so the same texts give the same bytes of tokenizer.json,
 * whether or not the training was interrupted in between.
 */
import { BYTES_IN_ALPHABET_ORDER } from './byte-alphabet.ts';
import { bytePairFiles, FIRST_BYTE_ID, FIRST_MERGE_ID } from './format.ts';
import { PairIndex } from './pair-index.ts';
import { Tokenizer } from './tokenizer.ts';
import { packTrainingState, type TrainingState, unpackTrainingState } from './training-state.ts';
import { writeUtf8 } from './utf8.ts';
import { type CountedWords, WordCounts } from './word-counts.ts';

export interface TrainingProgress {
  phase: 'counting' | 'merging';
  /** Documents counted so far, and their UTF-8 megabytes (1e6 bytes). */
  documents: number;
  megabytes: number;
  /** Token ids so far, and the number asked for. */
  vocabulary: number;
  target: number;
}

/** Where an interrupted training goes on from. The state belongs to the same texts in the same order. */
export interface TrainingCheckpoint {
  load: () => Uint8Array | null;
  /** Should write atomically: a half-written state is refused on load. */
  save: (state: Uint8Array) => void;
  everySeconds: number;
}

export interface TrainingOptions {
  /** Documents; words never reach across two of them. Read once. */
  texts: Iterable<string>;
  /** Number of token ids, special tokens and bytes included; at least 260. */
  vocabulary: number;
  onProgress?: (progress: TrainingProgress) => void;
  checkpoint?: TrainingCheckpoint;
}

/** Work between two progress reports. */
const UNITS_PER_STEP = 1 << 20;
const MERGES_PER_STEP = 16;

/**
 * Trains a tokenizer. Its vocabulary is smaller than asked for if the texts run out of pairs that occur twice.
 * @throws RangeError for a vocabulary below 260; Error if there is no text or the saved state is corrupt
 */
export function trainTokenizer(options: TrainingOptions): Tokenizer {
  const steps = trainTokenizerInSteps(options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    options.onProgress?.(step.value);
  }
}

/** The same as a generator that yields every fraction of a second, for callers that must stay responsive. */
export function* trainTokenizerInSteps(options: TrainingOptions): Generator<TrainingProgress, Tokenizer> {
  const { vocabulary: target, checkpoint } = options;
  if (!Number.isInteger(target) || target < FIRST_MERGE_ID) {
    throw new RangeError(`vocabulary ${target}: expected at least ${FIRST_MERGE_ID} (4 special tokens and 256 bytes)`);
  }
  const saved = checkpoint?.load() ?? null;
  const state = saved === null ? null : unpackTrainingState(saved);
  const save = everySeconds(checkpoint);

  const counted = state?.phase === 'merging' ? state : yield* countWords(options, state, save);
  const { documents, bytes, counts } = counted;
  if (counts.length === 0) throw new Error('no text to train a tokenizer on: every document was empty');

  // Merges do not depend on those after them, so a state that went further is cut.
  const merges = Array.from(counted.merges.subarray(0, (target - FIRST_MERGE_ID) * 2));
  const index = new PairIndex(counted.symbols, counted.ends, counts);
  for (let id = FIRST_MERGE_ID + merges.length / 2; id < target; id++) {
    if ((id - FIRST_MERGE_ID) % MERGES_PER_STEP === 0) {
      yield { phase: 'merging', documents, megabytes: bytes / 1e6, vocabulary: id, target };
    }
    const best = index.mergeBest(id);
    if (best === null) break;
    merges.push(best.left, best.right);
    save(() => ({ phase: 'merging', documents, bytes, ...index.compact(), counts, merges: Int32Array.from(merges) }));
  }
  return new Tokenizer(bytePairFiles(merges));
}

function* countWords(
  { texts, vocabulary: target }: TrainingOptions,
  state: (TrainingState & { phase: 'counting' }) | null,
  save: (state: () => TrainingState) => void,
): Generator<TrainingProgress, TrainingState & { phase: 'merging' }> {
  const words = new WordCounts();
  let bytes = state?.bytes ?? 0;
  if (state !== null) words.addAll(state);
  let documents = 0;
  let units = 0;
  for (const text of texts) {
    if (++documents <= (state?.documents ?? 0)) continue;
    words.add(text);
    bytes += Buffer.byteLength(text);
    units += text.length;
    const done = documents;
    save(() => ({ phase: 'counting', documents: done, bytes, ...words.words() }));
    if (units >= UNITS_PER_STEP) {
      units = 0;
      yield { phase: 'counting', documents, megabytes: bytes / 1e6, vocabulary: FIRST_MERGE_ID, target };
    }
  }
  const counted = words.words();
  return {
    phase: 'merging',
    documents,
    bytes,
    ...spellWords(counted),
    counts: counted.counts,
    merges: new Int32Array(0),
  };
}

/** Words as the ids of their UTF-8 bytes. */
function spellWords({ units, starts, counts }: CountedWords): { symbols: Int32Array; ends: Int32Array } {
  const idOfByte = new Int32Array(256);
  for (const [order, byte] of BYTES_IN_ALPHABET_ORDER.entries()) idOfByte[byte] = FIRST_BYTE_ID + order;
  const text = Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le');
  const bytes = new Uint8Array(units.length * 3);
  const ends = new Int32Array(counts.length);
  let size = 0;
  for (let word = 0; word < ends.length; word++) {
    size += writeUtf8(text, starts[word]!, starts[word + 1]!, bytes.subarray(size));
    ends[word] = size;
  }
  const symbols = new Int32Array(size);
  for (let i = 0; i < size; i++) symbols[i] = idOfByte[bytes[i]!]!;
  return { symbols, ends };
}

/** Saves at most once in a checkpoint's interval. */
function everySeconds(checkpoint: TrainingCheckpoint | undefined): (state: () => TrainingState) => void {
  if (checkpoint === undefined) return () => {};
  let last = performance.now();
  return (state) => {
    if (performance.now() - last < checkpoint.everySeconds * 1000) return;
    checkpoint.save(packTrainingState(state()));
    last = performance.now();
  };
}
