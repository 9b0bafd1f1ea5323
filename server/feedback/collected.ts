/**
 * What people said, as the lines of a snapshot (contracts/preference.ts and demonstration.ts). What was withdrawn is no
 * longer there and so is not read.
 */
import type { Demonstration, Label, Preference } from '@parley/contracts';
import type { Db } from '../db/database.ts';
import { readDatabase } from '../db/reading.ts';
import { contributionLines } from '../workbench/lines.ts';
import { draftLines } from './draft-lines.ts';
import { thumbLines } from './thumb-lines.ts';

/**
 * Everything that the server of `home` has collected: votes with the better answers that came with them, choices
 * between drafts, and what trainers handed in, each kind oldest first.
 * @param url the server's DATABASE_URL, if it has one
 * @throws Error if there is no database
 */
export function collectedLines(home: string, url?: string): Promise<(Preference | Demonstration | Label)[]> {
  return readDatabase(home, url, linesIn);
}

/** The same of an open database: what the next snapshot would hold. */
export async function linesIn(db: Db): Promise<(Preference | Demonstration | Label)[]> {
  return [...(await thumbLines(db)), ...(await draftLines(db)), ...(await contributionLines(db))];
}
