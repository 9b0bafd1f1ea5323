/** How often each word of a corpus occurs, in bounded memory. */
import { splitWords } from './word-scanner.ts';
import { grown, WordTable } from './word-table.ts';

/** Longer words are counted in pieces: they are data, not words, and no useful token spans them. */
const LONGEST_WORD = 256;

/**
 * Most UTF-16 units of distinct words that are held. Beyond it the rarest words are forgotten, until half is
 * free. Training takes about 40 bytes per unit held (three bytes of UTF-8 at worst, 14 bytes of index for each).
 */
const MOST_UNITS = 1 << 25;

/** The words as three arrays: word i is `units[starts[i] .. starts[i + 1])` and occurs `counts[i]` times. */
export interface CountedWords {
  units: Uint16Array;
  starts: Int32Array;
  counts: Float64Array;
}

export class WordCounts {
  private readonly table = new WordTable();
  private counts = new Float64Array(1 << 9);
  private readonly mostUnits: number;

  constructor(mostUnits = MOST_UNITS) {
    this.mostUnits = mostUnits;
  }

  get size(): number {
    return this.table.count;
  }

  add(text: string): void {
    splitWords(text, (_, start, end) => {
      for (let from = start, to = end; from < end; from = to) {
        to = end - from <= LONGEST_WORD ? end : from + LONGEST_WORD;
        if (to < end && (text.charCodeAt(to) & 0xfc00) === 0xdc00) to--;
        this.count(text, from, to, 1);
      }
    });
    if (this.table.unitCount > this.mostUnits) this.forgetRareWords();
  }

  /** Adds words counted before, e.g. by an attempt that was interrupted. */
  addAll({ units, starts, counts }: CountedWords): void {
    const text = Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le');
    for (let word = 0; word < counts.length; word++) this.count(text, starts[word]!, starts[word + 1]!, counts[word]!);
  }

  /** A copy of all words, in order of first appearance. */
  words(): CountedWords {
    const { count, unitCount, units, starts } = this.table;
    return {
      units: units.slice(0, unitCount),
      starts: starts.slice(0, count + 1),
      counts: this.counts.slice(0, count),
    };
  }

  private count(text: string, start: number, end: number, times: number): void {
    const known = this.table.count;
    const word = this.table.intern(text, start, end);
    if (word === known) {
      if (word === this.counts.length) this.counts = grown(this.counts, word + 1);
      this.counts[word] = 0;
    }
    this.counts[word]! += times;
  }

  /** Drops the words that occurred once, then twice, and so on. The same texts in the same order give the same words. */
  private forgetRareWords(): void {
    const words = this.words();
    for (let least = 2; this.table.unitCount * 2 > this.mostUnits; least++) {
      this.table.clear();
      const text = Buffer.from(words.units.buffer).toString('utf16le');
      for (let word = 0; word < words.counts.length; word++) {
        if (words.counts[word]! >= least) {
          this.count(text, words.starts[word]!, words.starts[word + 1]!, words.counts[word]!);
        }
      }
    }
  }
}
