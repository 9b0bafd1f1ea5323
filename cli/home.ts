import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where the database, fetched packages and settings live: PARLEY_HOME, or ~/.parley. */
export function parleyHome(): string {
  return process.env.PARLEY_HOME || join(homedir(), '.parley');
}
