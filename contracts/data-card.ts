/** What a data set is made of: written beside every set of shards. */
import { z } from 'zod';

export const dataSourceSchema = z.object({
  name: z.string(),
  /** Where a user can get it: a package name with its version, or a repository. */
  origin: z.string(),
  licence: z.string(),
  kind: z.enum(['documents', 'dialogue', 'code', 'parallel', 'demonstrations']),
  languages: z.array(z.enum(['en', 'zh', 'code'])),
  documents: z.int(),
  /** UTF-8 megabytes (1e6 bytes) kept after cleaning and duplicate removal. */
  megabytes: z.number(),
  removed: z.object({ exactDuplicates: z.int(), nearDuplicates: z.int(), cleaned: z.int() }),
});
export type DataSource = z.infer<typeof dataSourceSchema>;

export const dataCardSchema = z.object({
  format: z.literal('parley-data/1'),
  name: z.string(),
  /** SHA-256 over the sorted document hashes: two equal hashes mean the same text. */
  hash: z.string(),
  sources: z.array(dataSourceSchema),
  /** Share of UTF-8 bytes per language, 0..1, summing to 1. */
  languageShares: z.object({ en: z.number(), zh: z.number(), code: z.number() }),
  documents: z.object({ train: z.int(), validation: z.int() }),
  bytes: z.object({ train: z.int(), validation: z.int() }),
  demonstrations: z.object({ train: z.int(), validation: z.int(), tasks: z.record(z.string(), z.int()) }),
});
export type DataCard = z.infer<typeof dataCardSchema>;

/** Beside a pair of token shards, `train.tokens` and `validation.tokens` (little-endian uint16 or uint32). */
export const shardIndexSchema = z.object({
  format: z.literal('parley-shards/1'),
  tokenizerHash: z.string(),
  dataHash: z.string(),
  vocabulary: z.int(),
  bytesPerToken: z.union([z.literal(2), z.literal(4)]),
  tokens: z.object({ train: z.int(), validation: z.int() }),
  /** UTF-8 bytes of text behind the tokens: bits per byte needs them. */
  bytes: z.object({ train: z.int(), validation: z.int() }),
});
export type ShardIndex = z.infer<typeof shardIndexSchema>;
