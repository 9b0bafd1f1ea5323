/**
 * Text in, training data out.
 *
 *   fetchPackages(preset, { home, onProgress })            packages from the registry into home/packages, verified
 *   buildData({ preset, home, out, local, onProgress })    a data folder: documents, demonstrations, card
 *   readDocuments, trainingTexts, readDemonstrations, readDataCard     reading a data folder (or a text file)
 *   packShards(data, tokenizer, out)  TokenShards.open(out, split)     token shards and their reader
 *   packDemonstrations(demonstrations, tokenizer, context)  takeRows   conversations as rows of tokens
 *   readPreferences(file)  readPrompts(file)               what people preferred, and what to answer, as JSON lines
 *   takeSnapshot(out, collected, files)                    what people said, frozen under its hash
 *   readSnapshot(folder)  readSnapshotIds(folder)          what was frozen; whose lines they are
 *   checkAnswer(demonstration, text)                       exact match on tasks with known answers
 */
export { buildData } from './build.ts';
export { checkAnswer } from './check-answer.ts';
export { readDataCard, readDemonstrations, readDocuments, trainingTexts } from './documents.ts';
export { fetchPackages } from './fetch.ts';
export { languageOf } from './language.ts';
export { type PackedRows, packDemonstrations, takeRows } from './packed-rows.ts';
export { type Comparison, type Judgement, type Preferences, readPreferences, readPrompts } from './preferences.ts';
export { mergeRankings } from './ranked-pairs.ts';
export { packShards, TokenShards } from './shards.ts';
export { readSnapshot, readSnapshotIds, takeSnapshot } from './snapshot.ts';
